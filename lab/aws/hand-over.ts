/** Who writes in an Aurora cluster, or in the clusters of a global database, and how that changes. No acknowledged commit is lost, whenever the lab dies: the one who takes over is
 *  written down first and stays so until everybody follows it, at most one of the two ever starts as a writer (postgres/switchover.ts),
 *  and what has happened is asked of the data, never concluded from an error.
 *
 *  A promotion throws away the log that is kept for nobody. A reader that lacks some of it, since the writer crashed a moment ago, would
 *  never follow the new writer: so it is waited for, its log is held where it will be needed, and whoever does not follow in spite of
 *  that is made anew from the new writer. That loses nothing: readers have nothing of their own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backupsOf, takeArchive } from './backups'
import { type AwsCloud, keyOf, serverAddress, specOf } from './cloud'
import { clusterOf, globalOf, leadOf, peersOf, primaryOf, writerOf } from './following'
import type { GlobalCluster } from './global-clusters'
import type { AwsState, DbCluster, DbInstance } from './state'

const BEFORE_TIMEOUT_MS = 15_000
const AFTER_TIMEOUT_MS = 30_000
/** So long a promotion that stumbled is tried again before it is taken back. */
const SWAP_TIMEOUT_MS = 60_000
const LOOK_EVERY_MS = 50
const PAUSE_MS = 500

const turns = new WeakMap<DbCluster | GlobalCluster, Promise<void>>()

/** Whatever starts or stops servers of a cluster's members, or changes their roles, is done one after the other: a writer that was started
 *  again amid a failover would take commits that nobody has afterwards. The clusters of a global database have one turn. An act must
 *  not ask for another turn. */
export function inTurn<Result>(state: AwsState, cluster: DbCluster, act: () => Promise<Result>): Promise<Result> {
  const whose = globalOf(state, cluster) ?? cluster
  const turn = (turns.get(whose) ?? Promise.resolve()).then(act)
  const over = (): void => {}
  turns.set(whose, turn.then(over, over))
  return turn
}

/** When a cluster comes to a global database, or leaves it: what was asked for in the one's turn comes before what will be in the other's. */
export function turnAfter(whose: DbCluster | GlobalCluster, before: DbCluster | GlobalCluster): void {
  const both = [turns.get(whose), turns.get(before)]
  turns.set(
    whose,
    Promise.all(both).then(() => {}),
  )
}

/** The cluster is none of its clusters any more. The caller saves. */
export function leaves(global: GlobalCluster, cluster: DbCluster): void {
  global.clusters = global.clusters.filter((id) => id !== cluster.resourceId)
  if (global.primary === cluster.resourceId) global.primary = null
  turnAfter(cluster, global)
}

/** The member writes, and everybody else follows it. In the cluster's turn.
 *  @throws Error when it came to nothing, and the writer writes as before. */
export async function handOver(cloud: AwsCloud, cluster: DbCluster, to: DbInstance, signal: AbortSignal): Promise<void> {
  if (to.tasks.some(({ kind }) => kind === 'join')) throw new Error(`${to.id} is just being made.`)
  leadOf(cloud.state, cluster).handingTo = to.resourceId
  await cloud.save()
  await finishHandOver(cloud, cluster, signal)
}

/** What was begun, maybe by an earlier lab, is brought to its end before anything else that depends on who writes. In the cluster's turn. */
export async function finishHandOver(cloud: AwsCloud, cluster: DbCluster, signal: AbortSignal): Promise<void> {
  const lead = leadOf(cloud.state, cluster)
  const members = peersOf(cloud.state, lead)
  const [to, from] = [members.find(({ resourceId }) => resourceId === lead.handingTo), writerOf(cloud.state, lead)]
  if (to && from && to !== from) {
    try {
      await swap(cloud, { from, to, others: members.filter((member) => member !== from && member !== to) }, signal)
    } catch (error) {
      signal.throwIfAborted()
      delete lead.handingTo
      await cloud.save()
      for (const member of members) if (member !== from) await followAgain(cloud, member, signal)
      throw error
    }
    giveLead(cloud, lead, to)
    await cloud.save()
  }
  if (to) {
    await cloud.endpoints.settle()
    for (const member of members) if (member !== to) await followAgain(cloud, member, signal)
  }
  delete leadOf(cloud.state, lead).handingTo
  await cloud.save()
}

/** It is the writer, and what is left to do is written down with its cluster. In one breath: the caller saves. */
export function giveLead(cloud: AwsCloud, before: DbCluster, to: DbInstance): void {
  const lead = clusterOf(cloud.state, to) ?? before
  const global = globalOf(cloud.state, lead)
  if (lead !== before) {
    before.writer = null
    delete before.handingTo
    lead.handingTo = to.resourceId
    if (global) global.primary = lead.resourceId
    beginBackups(cloud, lead)
  }
  lead.writer = to.resourceId
}

/** Of a cluster that begins to lead. What it has of an earlier time does not join on: others wrote meanwhile. The caller saves. */
export function beginBackups(cloud: AwsCloud, cluster: DbCluster): void {
  if (cluster.archive === null || backupsOf(cloud.state, cluster.archive).length > 0) takeArchive(cloud, cluster)
  cluster.tasks.push({ kind: 'first-backup' })
  cloud.clusterTasks.wake(cluster)
}

interface Swap {
  from: DbInstance
  to: DbInstance
  others: readonly DbInstance[]
}

/** Resolves once the other one writes. @throws Error when the writer writes as before. */
async function swap(cloud: AwsCloud, { from, to, others }: Swap, signal: AbortSignal): Promise<void> {
  const { servers } = cloud
  const deadline = Date.now() + SWAP_TIMEOUT_MS
  const foldersOf = (members: readonly DbInstance[]): string[] => members.map(({ folder }) => folder)
  try {
    // it may have crashed a moment ago; a lab that died amid this finds it marked as a follower, and then nobody streams from it
    await servers.ensureRunning(specOf(cloud, from))
    const looks = others.map((reader) => catchesUp(cloud, reader, signal, BEFORE_TIMEOUT_MS).catch(() => false))
    const able = await Promise.all(looks)
    // who confirms nothing would hold up its stop
    await servers.keepReplicas(specOf(cloud, from), foldersOf([to, ...others.filter((_, index) => able[index])]))
    await servers.keepReplicas(specOf(cloud, to), foldersOf([from, ...others]))
    await servers.switchOver(specOf(cloud, from), specOf(cloud, to), signal)
    return
  } catch (error) {
    for (let reason = error; ; ) {
      signal.throwIfAborted()
      cloud.log(`the failover to ${to.id} stumbled: ${reason}`)
      const stayed = (await writes(cloud, from)) === true
      // who took over is the writer, even if the one before does not follow yet
      if (!stayed && (await writes(cloud, to)) === true) return
      if (stayed || (Date.now() > deadline && (await takenBack(cloud, { from, to })))) {
        await servers.keepReplicas(specOf(cloud, to), []).catch((left) => cloud.log(`slots of ${to.id}: ${left}`))
        throw error
      }
      await sleep(PAUSE_MS, undefined, { signal })
      try {
        await servers.switchOver(specOf(cloud, from), specOf(cloud, to), signal)
        return
      } catch (again) {
        reason = again
      }
    }
  }
}

/** Undefined: nobody knows. */
export async function writes(cloud: AwsCloud, member: DbInstance): Promise<boolean | undefined> {
  if (cloud.servers.isDown(member.folder)) return undefined
  return cloud.servers.isInRecovery(specOf(cloud, member)).then(
    (follows) => !follows,
    () => undefined,
  )
}

/** PostgreSQL promotes no server that stands still since its primary allows itself more (`max_connections` and its like) than it had at its
 *  start: a restart gives it as much. */
export async function replaysAgain(cloud: AwsCloud, member: DbInstance): Promise<void> {
  const spec = specOf(cloud, member)
  if ((await cloud.servers.replication({ ...spec, replicaOf: undefined })).state === 'halted') await cloud.servers.restart(spec)
}

/** Whether it is known to follow, and to go on following. False also when nobody knows. */
export async function followsStill(cloud: AwsCloud, member: DbInstance): Promise<boolean> {
  try {
    await cloud.servers.ensureRunning(specOf(cloud, member))
    if ((await writes(cloud, member)) !== false) return false
    // a promotion that was asked for may still be coming: a restart forgets it
    await cloud.servers.restart(specOf(cloud, member))
    return (await writes(cloud, member)) === false
  } catch (error) {
    cloud.log(`nobody knows whether ${member.id} follows still: ${error}`)
    return false
  }
}

/** The old writer was stopped and marked as a follower, and nobody took over: it has everything, so it becomes the writer again. False
 *  as long as the other one may have become a writer. */
async function takenBack(cloud: AwsCloud, { from, to }: Pick<Swap, 'from' | 'to'>): Promise<boolean> {
  const { servers } = cloud
  try {
    if (!(await followsStill(cloud, to))) return false
    await servers.ensureRunning(specOf(cloud, from))
    await servers.promote(specOf(cloud, from))
    return true
  } catch (error) {
    cloud.log(`the failover to ${to.id} is not taken back yet: ${error}`)
    return false
  }
}

/** Whom a reader follows may be another one than when its server last ran. One that does not follow, or stands still and hears nothing, is
 *  made anew; one that is down, or whose writer is, hears it when that comes back. In the cluster's turn. */
export async function followAgain(cloud: AwsCloud, reader: DbInstance, signal: AbortSignal): Promise<void> {
  if (!clusterOf(cloud.state, reader) || reader.status === 'deleting' || !bothRun(cloud, reader)) return
  // it will have another server
  if (reader.tasks.some(({ kind }) => kind === 'join')) return
  if (!cloud.afflictions.isFrozen(keyOf(reader))) {
    await follow(cloud, reader)
    await replaysAgain(cloud, reader).catch((error) => cloud.log(`${reader.id} may stand still: ${error}`))
    if (await catchesUp(cloud, reader, signal, AFTER_TIMEOUT_MS).catch(() => false)) return
    signal.throwIfAborted()
    if (!bothRun(cloud, reader)) return
  }
  cloud.log(`${reader.id} does not follow its writer: it is made anew`)
  joinAnew(cloud, reader)
  await cloud.save()
}

/** It is told whom to follow, as far as it and its writer run. */
export async function follow(cloud: AwsCloud, reader: DbInstance): Promise<void> {
  const spec = specOf(cloud, reader)
  const { replicaOf } = spec
  if (reader.cluster === null || !replicaOf || !bothRun(cloud, reader)) return
  await cloud.servers.follow({ ...spec, replicaOf }).catch((error) => cloud.log(`${reader.id} does not follow: ${error}`))
}

/** A member with a server becomes one with a new server, from whoever writes then. The caller saves. */
export function joinAnew(cloud: AwsCloud, member: DbInstance): void {
  if (member.createdAt === null || member.status === 'deleting' || member.tasks.some(({ kind }) => kind === 'join')) return
  member.status = 'rebooting'
  member.tasks.push({ kind: 'join' })
  cloud.tasks.wake(member)
}

/** The writer does not stand still either: nothing can be asked of it then. */
function bothRun(cloud: AwsCloud, reader: DbInstance): boolean {
  const { state, servers, afflictions } = cloud
  const writer = primaryOf(state, reader)
  if (!writer || afflictions.isFrozen(keyOf(writer))) return false
  return !servers.isDown(reader.folder) && !servers.isDown(writer.folder)
}

/** Whether the reader streams from its writer and, in time, has replayed all that this has written by now. Not only what it says of
 *  itself: it streams for a moment also when what it needs is gone. */
async function catchesUp(cloud: AwsCloud, reader: DbInstance, signal: AbortSignal, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  const writer = primaryOf(cloud.state, reader)
  if (!writer) return true
  const written = await cloud.servers.administer(specOf(cloud, writer), async (client) => {
    const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')
    return rows[0]?.lsn
  })
  const question = `
    SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn
      AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming' AND sender_host = $2) AS caught`
  const parameters = [written, serverAddress(cloud, writer)]
  const caughtUp = (): Promise<boolean> =>
    cloud.servers.administer(specOf(cloud, reader), async (client) => {
      const { rows } = await client.query<{ caught: boolean | null }>(question, parameters)
      return rows[0]?.caught === true
    })
  while (Date.now() < deadline && bothRun(cloud, reader) && !cloud.afflictions.isFrozen(keyOf(reader))) {
    if (await caughtUp().catch(() => false)) return true
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
  return false
}
