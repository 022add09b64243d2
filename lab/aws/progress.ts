/** How far readers have come when their writer is left behind: a reader that has more of the log than who writes next cannot follow it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AwsCloud, specOf } from './cloud'
import { heirs } from './clusters'
import type { DbCluster, DbInstance } from './state'

const CATCH_UP_TIMEOUT_MS = 10_000
const LOOK_EVERY_MS = 30

/** Of those who could write in the cluster, the one that has most of the log; by promotion tier where it is the same. */
export async function furthest(cloud: AwsCloud, cluster: DbCluster): Promise<DbInstance | undefined> {
  let first: { member: DbInstance; at: bigint } | undefined
  for (const member of heirs(cloud, cluster)) {
    const at = await receivedBy(cloud, member).catch(() => -1n)
    if (!first || at > first.at) first = { member, at }
  }
  return first?.member
}

/** The others of the cluster hear no more of their writer, and the one has all that they have; as far as it comes in time. Who is told
 *  whom to follow hears again. */
export async function leadAll(cloud: AwsCloud, cluster: DbCluster, head: DbInstance, signal: AbortSignal): Promise<void> {
  const here = heirs(cloud, cluster).filter((one) => one !== head)
  const deaf = here.map((one) => cloud.servers.configure({ ...specOf(cloud, one), replicaOf: undefined }))
  for (const { reason } of (await Promise.allSettled(deaf)).filter((one) => one.status === 'rejected')) {
    cloud.log(`a reader of ${cluster.id} may have more than ${head.id}: ${reason}`)
  }
  const deadline = Date.now() + CATCH_UP_TIMEOUT_MS
  while (Date.now() < deadline) {
    const [own, ...theirs] = await Promise.all([head, ...here].map((one) => receivedBy(cloud, one).catch(() => -1n)))
    if (theirs.every((at) => at <= (own ?? -1n))) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** Bytes of the log. */
async function receivedBy(cloud: AwsCloud, member: DbInstance): Promise<bigint> {
  const question = `
    SELECT pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::text AS at`
  const { rows } = await cloud.servers.administer(specOf(cloud, member), (client) => client.query<{ at: string }>(question))
  return BigInt(rows[0]?.at ?? -1)
}
