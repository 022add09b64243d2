/** Who writes in an Aurora cluster, and how that changes. No acknowledged commit is lost, whenever the lab dies: the one who takes over is
 *  written down first and stays so until everybody follows it, at most one of the two ever starts as a writer (postgres/switchover.ts),
 *  and what has happened is asked of the data, never concluded from an error.
 *
 *  A promotion throws away the log that is kept for nobody. A reader that lacks some of it, since the writer crashed a moment ago, would
 *  never follow the new writer: so it is waited for, its log is held where it will be needed, and whoever does not follow in spite of
 *  that is made anew from the new writer. That loses nothing: readers have nothing of their own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AwsCloud, keyOf, specOf } from './cloud'
import { clusterOf, membersOf, primaryOf, writerOf } from './following'
import type { DbCluster, DbInstance } from './state'

const BEFORE_TIMEOUT_MS = 15_000
const AFTER_TIMEOUT_MS = 30_000
/** So long a promotion that stumbled is tried again before it is taken back. */
const SWAP_TIMEOUT_MS = 60_000
const LOOK_EVERY_MS = 50
const PAUSE_MS = 500

const turns = new WeakMap<DbCluster, Promise<void>>()

/** Whatever starts or stops servers of a cluster's members, or changes their roles, is done one after the other: a writer that was started
 *  again amid a failover would take commits that nobody has afterwards. An act must not ask for another turn. */
export function inTurn<Result>(cluster: DbCluster, act: () => Promise<Result>): Promise<Result> {
  const turn = (turns.get(cluster) ?? Promise.resolve()).then(act)
  const over = (): void => {}
  turns.set(cluster, turn.then(over, over))
  return turn
}

/** The member writes, and everybody else follows it. In the cluster's turn.
 *  @throws Error when it came to nothing, and the writer writes as before. */
export async function handOver(cloud: AwsCloud, cluster: DbCluster, to: DbInstance, signal: AbortSignal): Promise<void> {
  if (to.tasks.some(({ kind }) => kind === 'join')) throw new Error(`${to.id} is just being made.`)
  cluster.handingTo = to.resourceId
  await cloud.save()
  await finishHandOver(cloud, cluster, signal)
}

/** What was begun, maybe by an earlier lab, is brought to its end before anything else that depends on who writes. In the cluster's turn. */
export async function finishHandOver(cloud: AwsCloud, cluster: DbCluster, signal: AbortSignal): Promise<void> {
  const members = membersOf(cloud.state, cluster)
  const [to, from] = [members.find(({ resourceId }) => resourceId === cluster.handingTo), writerOf(cloud.state, cluster)]
  if (to && from && to !== from) {
    try {
      await swap(cloud, { from, to, others: members.filter((member) => member !== from && member !== to) }, signal)
    } catch (error) {
      signal.throwIfAborted()
      delete cluster.handingTo
      await cloud.save()
      for (const member of members) if (member !== from) await followAgain(cloud, member, signal)
      throw error
    }
    cluster.writer = to.resourceId
    await cloud.save()
  }
  if (to) {
    await cloud.endpoints.settle()
    for (const member of members) if (member !== to) await followAgain(cloud, member, signal)
  }
  delete cluster.handingTo
  await cloud.save()
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
async function writes(cloud: AwsCloud, member: DbInstance): Promise<boolean | undefined> {
  if (cloud.servers.isDown(member.folder)) return undefined
  return cloud.servers.isInRecovery(specOf(cloud, member)).then(
    (follows) => !follows,
    () => undefined,
  )
}

/** The old writer was stopped and marked as a follower, and nobody took over: it has everything, so it becomes the writer again. False
 *  as long as the other one may have become a writer. */
async function takenBack(cloud: AwsCloud, { from, to }: Pick<Swap, 'from' | 'to'>): Promise<boolean> {
  const { servers } = cloud
  try {
    await servers.ensureRunning(specOf(cloud, to))
    // a promotion that was asked for may still be coming: a restart forgets it
    await servers.restart(specOf(cloud, to))
    if ((await writes(cloud, to)) !== false) return false
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
  if (!cloud.afflictions.isFrozen(keyOf(reader))) {
    await follow(cloud, reader)
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
  const parameters = [written, cloud.addresses.textOf(writer.host)]
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
