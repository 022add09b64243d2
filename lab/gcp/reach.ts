/** Up to when instances can be recovered, for those who ask. In life their log is archived every few minutes; here it is when somebody
 *  asks and what is known is older than the profile allows, since each time ends a segment of the log: whoever asks again and again must
 *  not fill the archive. Where nothing was written it advances, too, but more slowly. */
import { PROFILES } from '../profile'
import { type GcpCloud, type Reaching, specOf } from './cloud'
import type { SqlInstance } from './state'

/** So much longer than the profile's time when nothing was written. */
const IDLE_FACTOR = 10
const PATIENCE_MS = 15_000

interface Known {
  at: string
  /** Where the log was then. */
  position: string
}

export class Reach implements Reaching {
  /** By archive, as is the next. */
  readonly #known = new Map<string, Known>()
  readonly #under = new Map<string, Promise<string>>()

  constructor(private readonly cloud: () => GcpCloud) {}

  /** Whatever was known from before `from` is of another archive, of the same name. */
  latest(instance: SqlInstance, { archive, from }: { archive: string; from: string }): Promise<string> {
    const under = this.#under.get(archive)
    if (under) return under
    const known = this.#known.get(archive)
    const work = this.#look(instance, { archive, known: known && known.at >= from ? known : undefined })
    const ended = work.finally(() => this.#under.delete(archive))
    this.#under.set(archive, ended)
    return ended
  }

  async #look(instance: SqlInstance, { archive, known }: { archive: string; known: Known | undefined }): Promise<string> {
    const cloud = this.cloud()
    const staleMs = PROFILES[cloud.pace.profile].archiveMs
    const ageMs = known ? Date.now() - Date.parse(known.at) : Number.POSITIVE_INFINITY
    if (known && ageMs < staleMs) return known.at
    if (known && ageMs < staleMs * IDLE_FACTOR && (await positionOf(cloud, instance)) === known.position) return known.at
    const at = await cloud.servers.archiveUpToNow(specOf(cloud, instance), AbortSignal.timeout(PATIENCE_MS))
    this.#known.set(archive, { at, position: await positionOf(cloud, instance) })
    return at
  }
}

async function positionOf(cloud: GcpCloud, instance: SqlInstance): Promise<string> {
  return cloud.servers.administer(specOf(cloud, instance), async (client) => {
    const { rows } = await client.query<{ position: string }>('SELECT pg_current_wal_insert_lsn()::text AS position')
    return rows[0]?.position ?? ''
  })
}
