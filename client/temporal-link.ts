/** A door to Temporal for whoever looks now and then over a long time: opened when first needed, opened anew after it stopped answering. */
import { Failure } from '../contracts/failures'
import type { TemporalTarget } from './config'
import { connectTemporal, type TemporalDoor } from './temporal'

export class TemporalLink {
  readonly target: TemporalTarget
  #door: Promise<TemporalDoor> | null = null

  constructor(target: TemporalTarget) {
    this.target = target
  }

  /** Fails with TEMPORAL_UNREACHABLE or TEMPORAL_REFUSED, and then connects again at the next use. */
  async use<T>(look: (door: TemporalDoor) => Promise<T>): Promise<T> {
    this.#door ??= connectTemporal(this.target)
    try {
      return await look(await this.#door)
    } catch (error) {
      if (error instanceof Failure && /^TEMPORAL_/.test(error.code)) await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const door = this.#door
    this.#door = null
    await door?.then((opened) => opened.close()).catch(() => undefined)
  }
}
