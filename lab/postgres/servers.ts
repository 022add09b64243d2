/** Real PostgreSQL servers for simulated instances: make, restore, snapshot, reconfigure, crash, remove. One folder per
 *  server. Servers outlive a crash of the lab and are adopted by the next one; whoever owns them is told when one dies by itself.
 *  Knows nothing of any cloud's API or states. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { Client } from 'pg'
import type { PostgresBinaries, PostgresMajor } from '../../pgserver/binaries'
import { clusterExists, initCluster } from '../../pgserver/cluster'
import { ensureEnterable, giveToServer } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'
import type { End, Listener } from '../links/connections'
import { endSegment, installArchiver, noteReach, pruneBefore, reachOf, requireNew, snapshotOf, untilArchived } from './archive'
import { type Backup, backUp } from './backup'
import { copyFolder } from './copy'
import { damageSnapshots, largestOf, loseNewestSegment, NothingDamaged, type Part } from './damage'
import type { Master } from './flavour'
import { makeFollower } from './follower'
import { Places } from './places'
import { firstNeeded, isOfReplica, noteFile, type RestorePoint, recoverAlone, recoverTo, type Window, windowOf } from './recovery'
import { removeAtOnce, removeFolder } from './remove'
import { createReplica, follow, isFollowing, type Patience, promote, type Replication, release, replicationOf } from './replica'
import { RunningServers } from './running'
import { identifier, literal } from './session'
import { keepSlots } from './slots'
import type { Primary, ServerSpec, ServersOptions } from './spec'
import { stopBehind, switchOver } from './switchover'
import { bytesIn } from './usage'

export { newFolderName, type ServerSpec, type ServersOptions } from './spec'

export class Servers {
  private readonly places: Places
  private readonly running: RunningServers

  constructor(private readonly options: ServersOptions) {
    this.places = new Places(options.stateDir)
    this.running = new RunningServers(options, this.places)
    this.places.make()
    installArchiver(this.places)
  }

  /** The cloud's own copy of the binaries. */
  binariesOf(major: PostgresMajor): Promise<PostgresBinaries> {
    return this.running.binariesOf(major)
  }

  /** A new, empty server with its master. */
  async create(spec: ServerSpec, master: Master): Promise<void> {
    const { flavour, administratorPassword: password } = this.options
    await requireNew(this.places, spec)
    const binaries = await this.binariesOf(spec.major)
    const dataDir = this.places.data(spec.folder)
    // an archive is brought up to now by ending a segment, however little of it is used
    await initCluster({ binaries, dataDir, superuser: flavour.administrator, password, walSegmentMib: 1 })
    await this.running.start(spec)
    const statements = flavour.bootstrap(master, spec.major)
    await this.running.asAdministrator(
      spec,
      async (client) => {
        for (const statement of statements) await client.query(statement)
      },
      'postgres',
    )
  }

  /** A server from a snapshot. Its settings hold before its first start. Fails when the snapshot is removed meanwhile. */
  async restore(spec: ServerSpec, snapshot: string, signal: AbortSignal): Promise<void> {
    await requireNew(this.places, spec)
    const dataDir = await this.copySnapshot(spec, snapshot, signal)
    if (isOfReplica(dataDir)) await recoverAlone(this.running, this.places, spec, signal)
    await this.running.start(spec)
  }

  /** A server as of a moment, or of the archive's end; resolves when it is writable. Its settings hold before its first start.
   *  Nothing is left when it fails. Ask `archiveUpToNow` of a source that runs first: its archive may end earlier.
   *  @throws NotRestorableError naming what the archive can be restored to. */
  async restoreToTime(spec: ServerSpec, point: RestorePoint): Promise<void> {
    const target = point.target === 'latest' ? point.target : this.stopAt(point, new Date(point.target).toISOString())
    // before anything is made that would have to go again
    await requireNew(this.places, spec)
    try {
      await this.copySnapshot(spec, point.backup, point.signal)
      await recoverTo(this.running, this.places, spec, { ...point, target })
      await this.running.start(spec)
    } catch (error) {
      await this.remove(spec.folder)
      throw error
    }
  }

  /** Has everything archived that was committed until now, and says up to when the archive reaches: the server's clock, read
   *  before a commit that is in the archive. Its archive is the one it was started with. */
  async archiveUpToNow(spec: ServerSpec, signal: AbortSignal): Promise<string> {
    const { archive } = spec
    if (archive === undefined) throw new Error(`The server at ${spec.address} has no archive.`)
    const { at, segment, ...seen } = await this.running.asAdministrator(spec, endSegment)
    const check = (): void => {
      if (this.isDown(spec.folder)) throw new Error(`The server at ${spec.address} went down before its log was archived.`)
    }
    await untilArchived(this.places, archive, segment, { signal, check })
    noteReach(this.places, archive, { latest: at, server: spec.folder, ...seen })
    return at
  }

  /** The same for whoever asks often: each time costs a segment of the log. What is known already is answered as long as it is younger
   *  than `youngMs`, and, when nothing was committed since, than `idleMs`. */
  async newestMoment(spec: ServerSpec, how: { youngMs: number; idleMs: number; signal: AbortSignal }): Promise<string> {
    const known = spec.archive === undefined ? null : reachOf(this.places, spec.archive)
    if (known !== null) {
      const ageMs = Date.now() - Date.parse(known.latest)
      if (ageMs < how.youngMs) return known.latest
      const comparable = ageMs < how.idleMs && known.snapshot !== undefined && known.server === spec.folder
      if (comparable && (await this.running.asAdministrator(spec, snapshotOf)) === known.snapshot) return known.latest
    }
    return this.archiveUpToNow(spec, how.signal)
  }

  /** What can be restored to from an archive and these backups: from the end of the oldest of them to the last moment that
   *  `archiveUpToNow` answered. @throws Error when there is no backup. */
  restorable(archive: string, backups: readonly string[]): Window {
    return windowOf(this.places, archive, backups)
  }

  /** Deletes the log that none of these backups needs. Without any, nothing: who needs no log any more removes the archive. Nothing
   *  either while one of them is still being taken. Safe to repeat. */
  async pruneArchive(archive: string, backups: readonly string[]): Promise<void> {
    const oldest = firstNeeded(this.places, backups)
    if (oldest !== undefined) await pruneBefore(this.places, archive, oldest)
  }

  /** No running server may have it as its archive. Safe to repeat. */
  async removeArchive(archive: string): Promise<void> {
    if (archive !== '') await removeAtOnce(this.places.archive(archive))
  }

  /** A server that follows `primary`; resolves when it can be read and streams. Its spec says so in `replicaOf` from then on.
   *  Nothing is left when it fails, but what a primary that is away holds (`keepReplicas`). */
  async createReplica(spec: ServerSpec, primary: ServerSpec, signal: AbortSignal): Promise<void> {
    const follower = { ...spec, replicaOf: primary }
    try {
      await createReplica(this.running, this.places, { spec: follower, primary, ...this.patience(signal) })
    } catch (error) {
      await this.remove(spec.folder, follower)
      throw error
    }
  }

  /** Makes a replica a server of its own; resolves when it is writable. What it had replayed stays. Safe to repeat. */
  async promote(spec: ServerSpec): Promise<void> {
    await promote(this.running, spec)
  }

  /** The replica becomes the writer, and the writer its replica: their specs say the opposite in `replicaOf` from then on. No
   *  commit is lost; every slot of the old writer goes. Other replicas of its are told by `follow`. When it fails before the replica
   *  is promoted, the writer is back. Safe to repeat with the specs of before, also after a crash at any point. */
  async switchOver(writer: ServerSpec, replica: ServerSpec, signal: AbortSignal): Promise<void> {
    await switchOver(this.running, this.places, { writer, replica, ...this.patience(signal) })
  }

  /** The writer is stopped, and its replica has everything that it ever wrote, and follows it still: whoever then lets the replica write
   *  must not let anybody write to the other one again. When it fails the writer is stopped or back. Safe to repeat. */
  async stopBehind(writer: ServerSpec, replica: ServerSpec, signal: AbortSignal): Promise<void> {
    await stopBehind(this.running, this.places, { writer, replica, ...this.patience(signal) })
    await unlessCalledOff(this.running.passes('marked', replica.folder), signal)
  }

  /** A running replica streams from whom its spec names now, such as the server that its primary was replaced by. The log for it
   *  is kept there; `keepReplicas` ends that elsewhere. */
  async follow(spec: ServerSpec & { replicaOf: Primary }): Promise<void> {
    await follow(this.running, spec)
  }

  isInRecovery(spec: ServerSpec): Promise<boolean> {
    return this.running.asAdministrator(spec, isFollowing)
  }

  /** How a replica follows its primary, as of now. */
  replication(spec: ServerSpec): Promise<Replication> {
    return replicationOf(this.running, spec)
  }

  /** The log is kept for these replicas (their folders) and for no other one: what was forgotten while the server was away, also frozen.
   *  One that is away is not waited for. Of a replica that stays away too long the log goes (`max_slot_wal_keep_size`). */
  async keepReplicas(spec: ServerSpec, folders: readonly string[]): Promise<void> {
    if (!this.running.answers(spec.folder)) return
    await this.running.asAdministrator(spec, (client) =>
      keepSlots(
        client,
        folders.filter((folder) => folder !== ''),
      ),
    )
  }

  /** Adopts the server that an earlier lab left running, or starts it. */
  async ensureRunning(spec: ServerSpec): Promise<void> {
    await this.running.ensure(spec)
  }

  async restart(spec: ServerSpec): Promise<void> {
    await this.running.restart(spec)
  }

  /** Stops the server and leaves its data: until somebody starts it again, it is down. */
  async halt(folder: string): Promise<void> {
    await this.running.stop(folder, 'fast')
  }

  /** Ends the server at once, and marks its data: whoever starts it again starts a follower. Safe to repeat. */
  async depose(folder: string): Promise<void> {
    await this.running.stop(folder, 'immediate')
    const dataDir = this.places.data(folder)
    if (clusterExists(dataDir)) makeFollower(dataDir)
  }

  /** Applies network rules and reloadable settings, and resolves when they hold for every new connection; at once when they do
   *  already. A server that does not run learns them when it starts. */
  async configure(spec: ServerSpec): Promise<void> {
    await this.running.configure(spec)
  }

  /** Hands over an administrator's connection, to its own database unless another is named. */
  administer<Result>(spec: ServerSpec, use: (client: Client) => Promise<Result>, database?: string): Promise<Result> {
    return this.running.asAdministrator(spec, use, database)
  }

  async setPassword(spec: ServerSpec, role: string, verifier: string): Promise<void> {
    const statement = `ALTER ROLE ${identifier(role)} PASSWORD ${literal(verifier)}`
    await this.running.asAdministrator(spec, (client) => client.query(statement))
  }

  /** Safe to repeat: what an earlier attempt left is replaced. */
  async snapshot(spec: ServerSpec, snapshot: string, signal: AbortSignal): Promise<Backup> {
    // it speaks of a copy that is whole
    rmSync(noteFile(this.places, snapshot), { force: true })
    const backup = await this.running.asAdministrator(spec, (client) =>
      backUp(client, this.places.data(spec.folder), this.places.snapshotData(snapshot), signal),
    )
    writeFileSync(noteFile(this.places, snapshot), JSON.stringify(backup), { mode: 0o600, flush: true })
    return backup
  }

  /** A restore from it that is under way fails. Safe to repeat. */
  async removeSnapshot(snapshot: string): Promise<void> {
    await removeAtOnce(this.places.snapshot(snapshot))
  }

  /** Stops the server at once and deletes its data, and its archive if that has the name of its folder. The primary that a replica
   *  followed keeps no log for it any more. Safe to repeat. */
  async remove(folder: string, more: { keepArchive?: boolean; replicaOf?: Primary | undefined } = {}): Promise<void> {
    if (folder === '') return
    await this.running.stop(folder, 'immediate')
    await release(this.running, { folder, replicaOf: more.replicaOf })
    await removeFolder(this.places.server(folder))
    if (!more.keepArchive) await this.removeArchive(folder)
  }

  /** Where its log is (log.ts). Undefined before its first start. */
  logFile(folder: string): string | undefined {
    const path = this.places.log(folder)
    return folder !== '' && existsSync(path) ? path : undefined
  }

  /** Bytes on disk of a server's data, its log of writes included. Some milliseconds for a small server. */
  usage(folder: string): Promise<number> {
    return bytesIn(this.places.data(folder))
  }

  /** As if the machine had failed: no shutdown, then recovery. */
  async crash(folder: string): Promise<void> {
    await this.running.crash(folder)
  }

  /** Those that run, as the network sees them. */
  listeners(): Listener[] {
    return this.running.listeners()
  }

  /** Of a connection to one of them that the lab itself hands on: the caller's own end, by the end of the lab's. */
  handedOn(local: string): End | undefined {
    return this.running.handedOn.clientOf(local)
  }

  /** Whether it ended although nobody asked it to. */
  isDown(folder: string): boolean {
    return this.running.isDown(folder)
  }

  /** Bytes of memory that it takes; null when it does not run, or the system does not say. */
  memory(folder: string): number | null {
    return this.running.memory(folder)
  }

  /** Its processes stand still: connections hang, and what is asked of it here waits too. */
  freeze(folder: string): void {
    this.running.freeze(folder)
  }

  thaw(folder: string): void {
    this.running.thaw(folder)
  }

  /** Ends every session but the administrator's. */
  async endSessions(spec: ServerSpec): Promise<void> {
    if (!this.running.answers(spec.folder)) return
    const { administrator } = this.options.flavour
    const statement = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE backend_type IN ('client backend', 'walsender') AND usename <> $1`
    await this.running.asAdministrator(spec, (client) => client.query(statement, [administrator]))
  }

  /** Deletes what no record speaks of: left by attempts that a crash cut short. Archives only when they are named; those of
   *  the known instances' own folders are known. */
  async sweep(known: {
    instances: ReadonlySet<string>
    snapshots: ReadonlySet<string>
    archives?: ReadonlySet<string>
  }): Promise<void> {
    const { instances, snapshots, archives } = this.places
    for (const folder of await readdir(instances)) {
      if (!known.instances.has(folder)) await this.remove(folder, { keepArchive: known.archives?.has(folder) ?? true })
    }
    for (const folder of await readdir(snapshots)) if (!known.snapshots.has(folder)) await this.removeSnapshot(folder)
    if (!known.archives) return
    for (const archive of await readdir(archives)) {
      if (!known.archives.has(archive) && !known.instances.has(archive)) await this.removeArchive(archive)
    }
  }

  /** Stops every server, keeping the data, for good. No commit is lost, whatever the grace. */
  async stopAll(graceMs: number): Promise<void> {
    await this.running.stopAll(graceMs)
  }

  /** Something in each of these snapshots goes bad, as it lies there. `spec`: the server that they are of, which runs. @throws NothingDamaged. */
  async damage(spec: ServerSpec, snapshots: readonly string[], part: Part): Promise<void> {
    const largest = await largestOf((use, database) => this.running.asAdministrator(spec, use, database))
    damageSnapshots(this.places, snapshots, part, largest)
  }

  /** A part of the log is gone from the archive of a server that runs: of that which was written until now. @throws NothingDamaged. */
  async loseLog(spec: ServerSpec, signal: AbortSignal): Promise<void> {
    if (spec.archive === undefined) throw new NothingDamaged('It has no archive.')
    await this.archiveUpToNow(spec, signal)
    await loseNewestSegment(this.places, spec.archive)
  }

  /** Where a recovery really stops: earlier than it should when a fault says so, but where it can. */
  private stopAt({ archive, backup }: RestorePoint, target: string): string {
    const earlierMs = this.options.stopsShortMs?.(archive) ?? 0
    if (earlierMs === 0) return target
    const { earliest } = windowOf(this.places, archive, [backup])
    const stop = new Date(Date.parse(target) - earlierMs).toISOString()
    return stop < earliest && earliest <= target ? earliest : stop
  }

  private patience(signal: AbortSignal): Patience {
    return { signal, timeoutMs: this.options.streamingTimeoutMs }
  }

  private async copySnapshot(spec: ServerSpec, snapshot: string, signal: AbortSignal): Promise<string> {
    const dataDir = this.places.data(spec.folder)
    ensureEnterable(this.places.server(spec.folder), serverUser())
    await copyFolder(this.places.snapshotData(snapshot), dataDir, { signal })
    giveToServer(dataDir, serverUser())
    return dataDir
  }
}

/** Rejects as soon as it is called off, whatever becomes of the work. */
async function unlessCalledOff(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const calledOff = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: over.signal })
  })
  await Promise.race([work, calledOff]).finally(() => over.abort())
}
