/** The servers that run: starts, adopts, reconfigures, stops and watches them. Whoever owns them is told when one ends by
 *  itself. What they are for is said elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { ensureBinaries, type PostgresBinaries, type PostgresMajor } from '../../pgserver/binaries'
import { adoptServer, clusterExists, findServer, type RunningServer, startServer } from '../../pgserver/cluster'
import { memoryOf } from '../../pgserver/memory'
import { HandedOn } from '../handed-on'
import type { Listener } from '../links/connections'
import { type Closed, configurationOf, writeConfiguration } from './configuration'
import { certify, shownBy } from './encryption'
import { EXECUTABLE } from './flavour'
import { Front, type FrontedSpec } from './front'
import { Membership } from './membership'
import type { Places } from './places'
import { withAdministrator } from './session'
import type { Moment, ServerSpec, ServersOptions } from './spec'

interface Entry {
  address: string
  server: RunningServer
  front: Front | undefined
  /** False once somebody asked for its end. */
  wanted: boolean
  frozen: boolean
  /** What it runs with for sure. */
  holds: string | undefined
  configuring: Promise<void>
}

export interface ClosedStart extends Closed {
  signal: AbortSignal
  readyTimeoutMs: number
}

export class RunningServers {
  private readonly entries = new Map<string, Entry>()
  /** The last start or stop that was asked for, by folder. */
  private readonly turns = new Map<string, Promise<void>>()
  private closing = false
  /** Of connections to servers that the lab stands in front of. */
  readonly handedOn = new HandedOn()

  constructor(
    private readonly options: ServersOptions,
    private readonly places: Places,
  ) {}

  /** The cloud's own copy of the binaries. */
  binariesOf(major: PostgresMajor): Promise<PostgresBinaries> {
    const { name, extensions } = this.options.flavour
    const executable = EXECUTABLE.filter((extension) => extensions.includes(extension))
    return ensureBinaries({ major, cacheDir: this.options.cacheDir, trusting: { flavour: name, extensions, executable } })
  }

  /** Starts and stops of one server happen one after the other, in the order in which they were asked for. */
  start(spec: ServerSpec): Promise<void> {
    return this.inTurn(spec.folder, () => this.startNow(spec))
  }

  restart(spec: ServerSpec): Promise<void> {
    return this.inTurn(spec.folder, async () => {
      await this.stopNow(spec.folder, 'fast')
      await this.startNow(spec)
    })
  }

  private async startNow(spec: ServerSpec): Promise<void> {
    const front = await this.openFront(spec)
    try {
      this.supervise(spec, { server: await this.launch(spec), front, holds: configurationOf(spec) })
    } catch (error) {
      front?.close()
      throw error
    }
    if (this.closing) await this.stopNow(spec.folder, 'immediate')
  }

  /** Starts a server that only the administrator gets into, waits until it is no replica and recovers nothing, and stops it.
   *  Not in turn: whoever wants an end of that need not wait for it. */
  async runClosed(spec: ServerSpec, closed: ClosedStart): Promise<void> {
    const server = await this.launch(spec, closed)
    await server.stop('fast')
  }

  /** Adopts the server that an earlier lab left running, or starts it. */
  ensure(spec: ServerSpec): Promise<void> {
    return this.inTurn(spec.folder, () => this.ensureNow(spec))
  }

  private async ensureNow(spec: ServerSpec): Promise<void> {
    if (this.entries.has(spec.folder)) return
    const dataDir = this.places.data(spec.folder)
    if (!clusterExists(dataDir)) throw new Error(`The data of the server at ${spec.address} is gone.`)
    const server = await adoptServer({ dataDir })
    if (!server) return this.startNow(spec)
    server.thaw()
    // its place was changed a moment before the earlier lab died
    if (server.host !== spec.address) {
      await server.stop('fast')
      return this.startNow(spec)
    }
    this.supervise(spec, { server, front: await this.openFront(spec) })
    await this.configure(spec)
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

  stop(folder: string, mode: 'fast' | 'immediate', graceMs?: number): Promise<void> {
    return this.inTurn(folder, () => this.stopNow(folder, mode, graceMs))
  }

  private async stopNow(folder: string, mode: 'fast' | 'immediate', graceMs?: number): Promise<void> {
    const entry = this.entries.get(folder)
    if (entry) entry.wanted = false
    entry?.front?.stopListening()
    const server = entry?.server ?? findServer(this.places.data(folder))
    await server?.stop(mode, graceMs)
    entry?.front?.close()
    this.entries.delete(folder)
  }

  /** Stops every server, keeping the data, for good. No commit is lost, whatever the grace. */
  async stopAll(graceMs: number): Promise<void> {
    this.closing = true
    await Promise.all([...this.entries.keys()].map((folder) => this.stop(folder, 'fast', graceMs)))
  }

  /** As if the machine had failed: no shutdown, then recovery. */
  async crash(folder: string): Promise<void> {
    await this.entries.get(folder)?.server.kill()
  }

  listeners(): Listener[] {
    const alive = [...this.entries.values()].filter(({ server }) => server.isAlive())
    return alive.map(({ address, frozen, server: { pid } }) => ({ address, frozen, pid }))
  }

  /** Whether it ended although nobody asked it to. */
  isDown(folder: string): boolean {
    const entry = this.entries.get(folder)
    return entry === undefined || !entry.server.isAlive()
  }

  memory(folder: string): number | null {
    const entry = this.entries.get(folder)
    return entry === undefined ? null : memoryOf(entry.server.pid)
  }

  /** Its processes stand still: connections hang, and what is asked of it here waits too. */
  freeze(folder: string): void {
    this.mark(folder, true)?.freeze()
  }

  thaw(folder: string): void {
    this.mark(folder, false)?.thaw()
  }

  /** Whether it answers now. */
  answers(folder: string): boolean {
    const entry = this.entries.get(folder)
    return entry !== undefined && !entry.frozen && entry.server.isAlive()
  }

  /** @throws Error when it is to come apart there. */
  async passes(moment: Moment, folder: string): Promise<void> {
    await this.options.passes?.(moment, folder)
  }

  asAdministrator<Result>(
    { address }: Pick<ServerSpec, 'address'>,
    use: (client: Client) => Promise<Result>,
    database = this.options.flavour.administrator,
  ): Promise<Result> {
    const { flavour, port, administratorPassword: password, administratorAddress: from } = this.options
    return withAdministrator({ host: address, port, user: flavour.administrator, password, database, from }, use)
  }

  private inTurn(folder: string, act: () => Promise<void>): Promise<void> {
    const turn = (this.turns.get(folder) ?? Promise.resolve()).then(act)
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (this.turns.get(folder) === settled) this.turns.delete(folder)
      })
    this.turns.set(folder, settled)
    return turn
  }

  private async launch(spec: ServerSpec, closed?: ClosedStart): Promise<RunningServer> {
    const binaries = await this.binariesOf(spec.major)
    await certify(this.places, this.options, spec)
    const settings = writeConfiguration(this.places, this.options, spec, closed)
    return startServer({
      binaries,
      dataDir: this.places.data(spec.folder),
      hosts: [spec.address],
      port: this.options.port,
      settings,
      logFile: this.places.log(spec.folder),
      ...(closed && { recovered: true, signal: closed.signal, readyTimeoutMs: closed.readyTimeoutMs }),
    })
  }

  /** Who listens where the server's customers connect, when that is not the server itself. */
  private async openFront(spec: ServerSpec): Promise<Front | undefined> {
    if (!isFronted(spec)) return undefined
    const { port, authority, admits, log } = this.options
    if (!authority) throw new Error(`Nobody can certify whom the lab lets in at ${spec.front.address}.`)
    return Front.open(spec, {
      port,
      authority: await authority,
      handedOn: this.handedOn,
      members: new Membership(spec.front.role, (use) => this.asAdministrator(spec, use)),
      shown: () => shownBy(this.places, spec),
      admits: (login) => admits?.(spec.folder, login) ?? false,
      log,
    })
  }

  private async configureNow(entry: Entry, spec: ServerSpec): Promise<void> {
    const wanted = configurationOf(spec)
    if (!entry.wanted || entry.frozen || entry.holds === wanted) return
    entry.holds = undefined
    if (isFronted(spec)) entry.front?.tell(spec)
    const before = await this.configurationTime(spec)
    await certify(this.places, this.options, spec)
    writeConfiguration(this.places, this.options, spec)
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

  private async configurationTime(spec: ServerSpec): Promise<string | undefined> {
    const question = 'SELECT pg_conf_load_time()::text AS at'
    const { rows } = await this.asAdministrator(spec, (client) => client.query<{ at: string }>(question))
    return rows[0]?.at
  }

  private mark(folder: string, frozen: boolean): RunningServer | undefined {
    const entry = this.entries.get(folder)
    if (entry) entry.frozen = frozen
    return entry?.server
  }

  private supervise(spec: ServerSpec, found: Pick<Entry, 'server' | 'front'> & { holds?: string }): void {
    const { server } = found
    const { address } = spec
    const entry: Entry = { holds: undefined, ...found, address, wanted: true, frozen: false, configuring: Promise.resolve() }
    this.entries.set(spec.folder, entry)
    void server.exited.then(() => {
      if (this.closing || !entry.wanted || this.entries.get(spec.folder) !== entry) return
      this.entries.delete(spec.folder)
      entry.front?.close()
      this.options.log(`PostgreSQL at ${spec.address} ended by itself`)
      this.options.ended(spec.folder)
    })
  }
}

function isFronted(spec: ServerSpec): spec is FrontedSpec {
  return spec.front !== undefined
}
