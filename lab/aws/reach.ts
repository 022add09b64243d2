/** How far an instance can be restored to. In life its log is archived every five minutes; here it is when somebody looks and what is known
 *  is older than the profile allows, since each time ends a segment of the log. Whoever asks again sees it advance: soon when something
 *  was committed since, later when nothing was. */
import { archiveUpToNow } from './backups'
import { type AwsCloud, keyOf, type Looker } from './cloud'
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
    const archive = instance?.archive ?? null
    if (!instance || archive === null || this.#under.has(archive)) return
    if (this.#closing.signal.aborted || !isStale(cloud, instance)) return
    const work = this.#advance(cloud, instance)
      .catch((error) => cloud.log(`archiving the log of ${instance.id}: ${error}`))
      .finally(() => this.#under.delete(archive))
    this.#under.set(archive, work)
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The lab is closing.'))
    await Promise.all(this.#under.values())
  }

  async #advance(cloud: AwsCloud, instance: DbInstance): Promise<void> {
    // the archive may be given up meanwhile: then nobody fills it any more
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(PATIENCE_MS)])
    await archiveUpToNow(cloud, instance, signal, cloud.pace.archivePatience())
  }
}

function isStale(cloud: AwsCloud, instance: DbInstance): boolean {
  const target = keyOf(instance)
  const able =
    instance.restorable !== null &&
    RUNNING.includes(instance.status) &&
    !cloud.servers.isDown(instance.folder) &&
    !cloud.afflictions.isFrozen(target) &&
    !cloud.afflictions.isFull(target)
  return able && Date.parse(instance.restorable?.latest ?? '') + cloud.pace.archivePatience().youngMs < Date.now()
}
