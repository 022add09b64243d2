/** Read replicas: what they need to hear, and what they and their sources refuse. */
import { type AwsCloud, keyOf, type Looker, specOf } from './cloud'
import { AwsError } from './errors'
import { clusterOf, followersOf, primaryOf, replicasOf } from './following'
import type { AwsState, DbInstance } from './state'

/** PostgreSQL's number in RDS. Source: RDS user guide, "Working with DB instance read replicas". */
export const REPLICAS_MAX = 15

/** After the address of a source changed: its replicas follow it there. */
export async function tellReplicas(cloud: AwsCloud, source: DbInstance): Promise<void> {
  for (const replica of followersOf(cloud.state, source)) {
    if (!cloud.servers.isDown(replica.folder)) await cloud.servers.configure(specOf(cloud, replica))
  }
}

/** After it was away: what was forgotten meanwhile is no reason to keep its log. */
export async function keepForReplicas(cloud: AwsCloud, source: DbInstance): Promise<void> {
  const cluster = clusterOf(cloud.state, source)
  if (primaryOf(cloud.state, source) || (!cluster && source.backupRetentionDays === 0)) return
  const folders = followersOf(cloud.state, source).map(({ folder }) => folder)
  await cloud.servers.keepReplicas(specOf(cloud, source), folders).catch((error) => cloud.log(`slots of ${source.id}: ${error}`))
}

/** Without their source they go on alone. The caller saves and wakes them. */
export function orphan(state: AwsState, source: DbInstance): DbInstance[] {
  const replicas = replicasOf(state, source)
  for (const replica of replicas) replica.tasks.push({ kind: 'promote', retentionDays: replica.backupRetentionDays })
  return replicas
}

/** @throws AwsError InvalidDBInstanceState for one that follows, or is followed. */
export function requireAlone(state: AwsState, instance: DbInstance, what: string): void {
  if (instance.cluster !== null) {
    throw new AwsError(
      'InvalidDBInstanceState',
      `The DB instance ${instance.id} cannot be ${what}: it is a member of a DB cluster.`,
    )
  }
  const why =
    instance.replicaOf !== null ? 'it is a read replica' : replicasOf(state, instance).length > 0 ? 'it has read replicas' : ''
  if (why !== '') throw new AwsError('InvalidDBInstanceState', `The DB instance ${instance.id} cannot be ${what}: ${why}.`)
}

/** What is known of how a replica follows is as good for so long: each look is two connections. */
const YOUNG_MS = 100

/** Looks how replicas follow, when somebody looks at them: what they see is what was known before. */
export class ReplicaWatch implements Looker {
  readonly #under = new Map<string, Promise<void>>()
  readonly #ended = new WeakMap<DbInstance, number>()

  constructor(private readonly cloud: () => AwsCloud) {}

  looked(who: Pick<DbInstance, 'region' | 'id'>): void {
    const cloud = this.cloud()
    const name = keyOf(who)
    const replica = cloud.state.instances[name]
    if (!replica || replica.replicaOf === null || replica.status !== 'available' || this.#under.has(name)) return
    if (cloud.servers.isDown(replica.folder) || cloud.afflictions.isFrozen(name)) return
    if (performance.now() - (this.#ended.get(replica) ?? -YOUNG_MS) < YOUNG_MS) return
    const work = look(cloud, replica)
      .catch((error) => cloud.log(`replication of ${replica.id}: ${error}`))
      .finally(() => {
        this.#under.delete(name)
        this.#ended.set(replica, performance.now())
      })
    this.#under.set(name, work)
  }

  async close(): Promise<void> {
    await Promise.all(this.#under.values())
  }
}

async function look(cloud: AwsCloud, replica: DbInstance): Promise<void> {
  const { state } = await cloud.servers.replication(specOf(cloud, replica))
  const follows = state === 'streaming'
  if (replica.replicaOf === null || replica.follows === follows) return
  replica.follows = follows
  await cloud.save()
}
