/** Up to when instances can be recovered, for those who ask. In life their log is archived every few minutes; here it is when somebody
 *  asks and what is known is older than the profile allows. */
import { type GcpCloud, type Reaching, specOf } from './cloud'
import type { SqlInstance } from './state'

const PATIENCE_MS = 15_000

export class Reach implements Reaching {
  /** By archive. */
  readonly #under = new Map<string, Promise<string>>()

  constructor(private readonly cloud: () => GcpCloud) {}

  /** Never before `from`, the end of the first backup: what was archived until then can be recovered to from nothing. */
  latest(instance: SqlInstance, { archive, from }: { archive: string; from: string }): Promise<string> {
    const under = this.#under.get(archive)
    if (under) return under
    const ended = this.#look(instance, from).finally(() => this.#under.delete(archive))
    this.#under.set(archive, ended)
    return ended
  }

  async #look(instance: SqlInstance, from: string): Promise<string> {
    const { pace, servers } = this.cloud()
    const spec = specOf(this.cloud(), instance)
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const known = await servers.newestMoment(spec, { ...pace.archivePatience(), signal })
    return known >= from ? known : servers.archiveUpToNow(spec, signal)
  }
}
