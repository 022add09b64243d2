/** How far an instance can be restored to. In life its log is archived every five minutes; here it is when somebody looks and what is known
 *  is older than the profile allows, since each time ends a segment of the log. Whoever asks again sees it advance: soon when something
 *  was committed since, later when nothing was. */
import { PROFILES } from '../profile'
import { archiveUpToNow } from './backups'
import { type AwsCloud, keyOf, type Looker, specOf } from './cloud'
import type { DbInstance, InstanceStatus } from './state'

const RUNNING: readonly InstanceStatus[] = ['available', 'backing-up', 'modifying', 'resetting-master-credentials']
/** So much longer than the profile's time when nothing was written. */
const IDLE_FACTOR = 10
const PATIENCE_MS = 60_000

export class Reach implements Looker {
  /** By archive, as is the next. */
  readonly #under = new Map<string, Promise<void>>()
  /** Where the log was when it was archived last. */
  readonly #positions = new Map<string, string>()
  readonly #closing = new AbortController()

  constructor(private readonly cloud: () => AwsCloud) {}

  /** Somebody looked at it. What they see is what was known before. */
  looked(who: Pick<DbInstance, 'region' | 'id'>): void {
    const cloud = this.cloud()
    const instance = cloud.state.instances[keyOf(who)]
    const archive = instance?.archive ?? null
    if (!instance || archive === null || this.#under.has(archive)) return
    if (this.#closing.signal.aborted || !isStale(cloud, instance)) return
    const work = this.#advance(cloud, instance, archive)
      .catch((error) => cloud.log(`archiving the log of ${instance.id}: ${error}`))
      .finally(() => this.#under.delete(archive))
    this.#under.set(archive, work)
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The lab is closing.'))
    await Promise.all(this.#under.values())
  }

  async #advance(cloud: AwsCloud, instance: DbInstance, archive: string): Promise<void> {
    const position = await positionOf(cloud, instance)
    if (position === this.#positions.get(archive) && !isStale(cloud, instance, IDLE_FACTOR)) return
    // the archive may be given up meanwhile: then nobody fills it any more
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(PATIENCE_MS)])
    await archiveUpToNow(cloud, instance, signal)
    this.#positions.set(archive, await positionOf(cloud, instance))
  }
}

function isStale(cloud: AwsCloud, instance: DbInstance, factor = 1): boolean {
  const target = keyOf(instance)
  const able =
    instance.restorable !== null &&
    RUNNING.includes(instance.status) &&
    !cloud.servers.isDown(instance.folder) &&
    !cloud.afflictions.isFrozen(target) &&
    !cloud.afflictions.isFull(target)
  const staleMs = PROFILES[cloud.pace.profile].archiveMs * factor
  return able && Date.parse(instance.restorable?.latest ?? '') + staleMs < Date.now()
}

async function positionOf(cloud: AwsCloud, instance: DbInstance): Promise<string> {
  return cloud.servers.administer(specOf(cloud, instance), async (client) => {
    const { rows } = await client.query<{ position: string }>('SELECT pg_current_wal_insert_lsn()::text AS position')
    return rows[0]?.position ?? ''
  })
}
