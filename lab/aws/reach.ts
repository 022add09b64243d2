/** How far an instance can be restored to. In life its log is archived every five minutes; here it is when somebody looks and what is known
 *  is older than the profile allows, since each time ends a segment of the log. Whoever asks again sees it advance: soon when something
 *  was committed since, later when nothing was. */
import { limitedTo } from '../limit'
import { archiveUpToNow, type Keeper } from './backups'
import { type AwsCloud, keyOf, type Looker, specOf } from './cloud'
import { clusterOf, writerOf } from './following'
import type { DbInstance, InstanceStatus } from './state'

const RUNNING: readonly InstanceStatus[] = ['available', 'backing-up', 'modifying', 'resetting-master-credentials']
const PATIENCE_MS = 60_000

export class Reach implements Looker {
  /** By archive. */
  readonly #under = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()

  constructor(private readonly cloud: () => AwsCloud) {}

  /** Somebody looked at it. What they see is what was known before. */
  looked(who: Pick<DbInstance, 'region' | 'id'>): void {
    const cloud = this.cloud()
    const instance = cloud.state.instances[keyOf(who)]
    const [keeper, server] = instance ? keeperOf(cloud, instance) : []
    const archive = keeper?.archive ?? null
    if (!keeper || !server || archive === null || this.#under.has(archive)) return
    if (this.#closing.signal.aborted || !isStale(cloud, keeper, server)) return
    const work = this.#advance(cloud, keeper, server)
      .catch((error) => cloud.log(`archiving the log of ${server.id}: ${error}`))
      .finally(() => this.#under.delete(archive))
    this.#under.set(archive, work)
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The lab is closing.'))
    await Promise.all(this.#under.values())
  }

  async #advance(cloud: AwsCloud, keeper: Keeper, server: DbInstance): Promise<void> {
    // the archive may be given up meanwhile: then nobody fills it any more
    const signal = limitedTo(PATIENCE_MS, this.#closing.signal)
    await archiveUpToNow(cloud, { keeper, spec: specOf(cloud, server) }, signal, cloud.pace.archivePatience())
  }
}

/** A member's log is its cluster's, and is written by the writer. */
function keeperOf({ state }: AwsCloud, instance: DbInstance): [Keeper, DbInstance | undefined] {
  const cluster = clusterOf(state, instance)
  return cluster ? [cluster, writerOf(state, cluster)] : [instance, instance]
}

function isStale(cloud: AwsCloud, { restorable }: Keeper, server: DbInstance): boolean {
  const target = keyOf(server)
  const able =
    restorable !== null &&
    RUNNING.includes(server.status) &&
    !cloud.servers.isDown(server.folder) &&
    !cloud.afflictions.isFrozen(target) &&
    !cloud.afflictions.isFull(target)
  return able && Date.parse(restorable?.latest ?? '') + cloud.pace.archivePatience().youngMs < Date.now()
}
