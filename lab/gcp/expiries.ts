/** Authorized networks that expire: the server is told when the moment comes, and not before. */
import { TIMER_MAX_MS } from '../duration'
import { nextExpiry } from './networks'
import type { GcpState, SqlInstance } from './state'

export class Expiries {
  #timer: NodeJS.Timeout | undefined
  #at: number | undefined
  #closed = false

  constructor(
    private readonly state: GcpState,
    private readonly expired: (instance: SqlInstance) => Promise<void>,
  ) {}

  /** After a change: waits for the next one. */
  look(): void {
    const times = Object.values(this.state.instances).flatMap(({ settings }) => {
      const at = nextExpiry(settings.ipConfiguration.authorizedNetworks)
      return at === undefined ? [] : [at]
    })
    const next = times.length === 0 ? undefined : Math.min(...times)
    if (next === this.#at || this.#closed) return
    clearTimeout(this.#timer)
    this.#at = next
    if (next === undefined) return
    this.#timer = setTimeout(() => void this.#strike(), Math.min(Math.max(0, next - Date.now()) + 1, TIMER_MAX_MS))
    this.#timer.unref()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #strike(): Promise<void> {
    this.#at = undefined
    await Promise.all(Object.values(this.state.instances).map((instance) => this.expired(instance)))
    this.look()
  }
}
