/** Real PostgreSQL servers for simulated instances: make, restore, snapshot, reconfigure, crash, remove. One folder per
 *  server. Servers outlive a crash of the lab and are adopted by the next one; whoever owns them is told when one dies by itself.
 *  Knows nothing of any cloud's API or states. */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { ensureBinaries, type PostgresBinaries, type PostgresMajor } from '../../pgserver/binaries'
import { adoptServer, clusterExists, configureServer, initCluster, type RunningServer, startServer } from '../../pgserver/cluster'
import { closeFolder, ensureEnterable, giveToServer } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'
import type { Settings } from '../../pgserver/settings'
import { writeAccessRules } from './access'
import { type Backup, backUp } from './backup'
import { copyFolder } from './copy'
import type { Flavour, Master } from './flavour'
import { removeFolder } from './remove'
import { identifier, literal, withAdministrator } from './session'

/** What a server should be; the caller's state is the truth, this is a view of it. */
export interface ServerSpec {
  /** Names the server's folder. A new one for each attempt to make a server: an earlier attempt may still be writing. */
  folder: string
  major: PostgresMajor
  address: string
  settings: Settings
  /** Source networks that are let in. */
  networks: readonly string[]
}

export interface ServersOptions {
  stateDir: string
  cacheDir: string
  port: number
  administratorAddress: string
  administratorPassword: string
  flavour: Flavour
  /** A server ended that nobody had asked to. */
  ended(folder: string): void
  log(line: string): void
}

interface Entry {
  server: RunningServer
  /** False once somebody asked for its end. */
  wanted: boolean
  frozen: boolean
  /** What it runs with for sure. */
  holds: string | undefined
  configuring: Promise<void>
}

export function newFolderName(): string {
  return randomBytes(6).toString('hex')
}

export class Servers {
  private readonly entries = new Map<string, Entry>()
  private readonly instancesDir: string
  private readonly snapshotsDir: string
  private closing = false

  constructor(private readonly options: ServersOptions) {
    this.instancesDir = join(options.stateDir, 'instances')
    this.snapshotsDir = join(options.stateDir, 'snapshots')
    for (const folder of [this.instancesDir, this.snapshotsDir]) {
      ensureEnterable(folder, serverUser())
      // an older lab left them open
      closeFolder(folder, serverUser())
    }
  }

  /** The cloud's own copy of the binaries. */
  binariesOf(major: PostgresMajor): Promise<PostgresBinaries> {
    const { name, extensions } = this.options.flavour
    return ensureBinaries({ major, cacheDir: this.options.cacheDir, trusting: { flavour: name, extensions } })
  }

  /** A new, empty server with its master. */
  async create(spec: ServerSpec, master: Master): Promise<void> {
    const { flavour, administratorPassword: password } = this.options
    const binaries = await this.binariesOf(spec.major)
    await initCluster({ binaries, dataDir: this.dataDir(spec.folder), superuser: flavour.administrator, password })
    await this.start(spec)
    const statements = flavour.bootstrap(master, spec.major)
    await this.asAdministrator(spec, 'postgres', async (client) => {
      for (const statement of statements) await client.query(statement)
    })
  }

  /** A server from a snapshot. Its settings hold before its first start. */
  async restore(spec: ServerSpec, snapshot: string, signal: AbortSignal): Promise<void> {
    ensureEnterable(join(this.instancesDir, spec.folder), serverUser())
    await copyFolder(this.snapshotDir(snapshot), this.dataDir(spec.folder), { signal })
    giveToServer(this.dataDir(spec.folder), serverUser())
    await this.start(spec)
  }

  /** Adopts the server that an earlier lab left running, or starts it. */
  async ensureRunning(spec: ServerSpec): Promise<void> {
    if (this.entries.has(spec.folder)) return
    const dataDir = this.dataDir(spec.folder)
    if (!clusterExists(dataDir)) throw new Error(`The data of the server at ${spec.address} is gone.`)
    const server = await adoptServer({ dataDir })
    if (!server) return this.start(spec)
    server.thaw()
    this.supervise(spec, server)
    await this.configure(spec)
  }

  async restart(spec: ServerSpec): Promise<void> {
    await this.stop(spec.folder, 'fast')
    await this.start(spec)
  }

  /** Stops the server and leaves its data: until somebody starts it again, it is down. */
  async halt(folder: string): Promise<void> {
    await this.stop(folder, 'fast')
  }

  /** Applies network rules and reloadable settings, and resolves when they hold for every new connection; at once when they do
   *  already. A server that does not run learns them when it starts. */
  async configure(spec: ServerSpec): Promise<void> {
    const entry = this.entries.get(spec.folder)
    if (!entry) return
    // one after the other: the last one to be asked for is the one that stands
    const work = entry.configuring.then(() => this.configureNow(entry, spec))
    entry.configuring = work.catch(() => {})
    await work
  }

  async setPassword(spec: ServerSpec, role: string, verifier: string): Promise<void> {
    const statement = `ALTER ROLE ${identifier(role)} PASSWORD ${literal(verifier)}`
    await this.asAdministrator(spec, this.options.flavour.administrator, (client) => client.query(statement))
  }

  /** Safe to repeat: what an earlier attempt left is replaced. */
  async snapshot(spec: ServerSpec, snapshot: string, signal: AbortSignal): Promise<Backup> {
    return this.asAdministrator(spec, this.options.flavour.administrator, (client) =>
      backUp(client, this.dataDir(spec.folder), this.snapshotDir(snapshot), signal),
    )
  }

  async removeSnapshot(snapshot: string): Promise<void> {
    await removeFolder(join(this.snapshotsDir, snapshot))
  }

  /** Stops the server at once and deletes its data. Safe to repeat. */
  async remove(folder: string): Promise<void> {
    if (folder === '') return
    await this.stop(folder, 'immediate')
    await removeFolder(join(this.instancesDir, folder))
  }

  /** As if the machine had failed: no shutdown, then recovery. */
  async crash(folder: string): Promise<void> {
    await this.entries.get(folder)?.server.kill()
  }

  /** Whether it ended although nobody asked it to. */
  isDown(folder: string): boolean {
    const entry = this.entries.get(folder)
    return entry === undefined || !entry.server.isAlive()
  }

  /** Its processes stand still: connections hang, and what is asked of it here waits too. */
  freeze(folder: string): void {
    this.mark(folder, true)?.freeze()
  }

  thaw(folder: string): void {
    this.mark(folder, false)?.thaw()
  }

  /** Ends every session but the administrator's. */
  async endSessions(spec: ServerSpec): Promise<void> {
    const entry = this.entries.get(spec.folder)
    if (!entry || entry.frozen) return
    const { administrator } = this.options.flavour
    const statement = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE backend_type IN ('client backend', 'walsender') AND usename <> $1`
    await this.asAdministrator(spec, administrator, (client) => client.query(statement, [administrator]))
  }

  /** Deletes what no record speaks of: left by attempts that a crash cut short. */
  async sweep(known: { instances: ReadonlySet<string>; snapshots: ReadonlySet<string> }): Promise<void> {
    for (const folder of await readdir(this.instancesDir)) if (!known.instances.has(folder)) await this.remove(folder)
    for (const folder of await readdir(this.snapshotsDir)) if (!known.snapshots.has(folder)) await this.removeSnapshot(folder)
  }

  /** Stops every server, keeping the data, for good. No commit is lost, whatever the grace. */
  async stopAll(graceMs: number): Promise<void> {
    this.closing = true
    await Promise.all([...this.entries.keys()].map((folder) => this.stop(folder, 'fast', graceMs)))
  }

  private async configureNow(entry: Entry, spec: ServerSpec): Promise<void> {
    const wanted = configurationOf(spec)
    if (!entry.wanted || entry.frozen || entry.holds === wanted) return
    entry.holds = undefined
    const before = await this.configurationTime(spec)
    this.writeFiles(spec)
    entry.server.reload()
    for (let attempt = 0; attempt < 200; attempt++) {
      // a new connection is forked after the postmaster has read both files, so it shows what it lives under
      if ((await this.configurationTime(spec)) !== before) {
        entry.holds = wanted
        return
      }
      await sleep(10)
    }
    throw new Error(`PostgreSQL at ${spec.address} did not read its configuration again.`)
  }

  private mark(folder: string, frozen: boolean): RunningServer | undefined {
    const entry = this.entries.get(folder)
    if (entry) entry.frozen = frozen
    return entry?.server
  }

  private dataDir(folder: string): string {
    return join(this.instancesDir, folder, 'data')
  }

  private snapshotDir(folder: string): string {
    return join(this.snapshotsDir, folder, 'data')
  }

  /** Statements of the cloud's own, in one of the server's databases. */
  asAdministrator<Result>(spec: ServerSpec, database: string, use: (client: Client) => Promise<Result>): Promise<Result> {
    const { flavour, port, administratorPassword: password, administratorAddress: from } = this.options
    return withAdministrator({ host: spec.address, port, user: flavour.administrator, password, database, from }, use)
  }

  private async configurationTime(spec: ServerSpec): Promise<string | undefined> {
    const question = 'SELECT pg_conf_load_time()::text AS at'
    const { rows } = await this.asAdministrator(spec, this.options.flavour.administrator, (client) =>
      client.query<{ at: string }>(question),
    )
    return rows[0]?.at
  }

  private writeFiles(spec: ServerSpec): void {
    const dataDir = this.dataDir(spec.folder)
    writeAccessRules(dataDir, {
      administrator: this.options.flavour.administrator,
      administratorAddress: this.options.administratorAddress,
      networks: spec.networks,
    })
    configureServer({ dataDir, hosts: [spec.address], port: this.options.port, settings: settingsOf(spec) })
  }

  private async start(spec: ServerSpec): Promise<void> {
    const binaries = await this.binariesOf(spec.major)
    this.writeFiles(spec)
    const server = await startServer({
      binaries,
      dataDir: this.dataDir(spec.folder),
      hosts: [spec.address],
      port: this.options.port,
      settings: settingsOf(spec),
      logFile: join(this.instancesDir, spec.folder, 'server.log'),
    })
    this.supervise(spec, server, configurationOf(spec))
    if (this.closing) await this.stop(spec.folder, 'immediate')
  }

  private async stop(folder: string, mode: 'fast' | 'immediate', graceMs?: number): Promise<void> {
    const entry = this.entries.get(folder)
    if (entry) entry.wanted = false
    const server = entry?.server ?? (await adoptServer({ dataDir: this.dataDir(folder) }))
    await server?.stop(mode, graceMs)
    this.entries.delete(folder)
  }

  private supervise(spec: ServerSpec, server: RunningServer, holds?: string): void {
    const entry: Entry = { server, wanted: true, frozen: false, holds, configuring: Promise.resolve() }
    this.entries.set(spec.folder, entry)
    void server.exited.then(() => {
      if (this.closing || !entry.wanted || this.entries.get(spec.folder) !== entry) return
      this.entries.delete(spec.folder)
      this.options.log(`PostgreSQL at ${spec.address} ended by itself`)
      this.options.ended(spec.folder)
    })
  }
}

/** One call instead of an fsync for each file before recovery: twice as fast for a restored copy, and as durable. */
function settingsOf(spec: ServerSpec): Settings {
  return process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs', ...spec.settings } : spec.settings
}

/** What its two configuration files say. */
function configurationOf({ networks, settings }: ServerSpec): string {
  return JSON.stringify([networks, settings])
}
