/** What clouds do by the clock, without being asked: each of a kind of resource says when it is due next, and what is done then. There is one
 *  timer for all of them, looked at after every change. What was due while the lab was down is done when it is back. */
import { TIMER_MAX_MS } from './duration'

export interface Due<Resource> {
  /** Those of now. */
  all(): readonly Resource[]
  /** When something is to be done for it, in milliseconds; undefined: never, or not while it is as it is. Reads only. */
  at(resource: Resource): number | undefined
  /** Begins it. What is due still, and since the same moment, is tried again later. */
  act(resource: Resource): Promise<void>
  log(line: string): void
}

/** What came to nothing is tried again after so long. */
const AGAIN_MS = 30_000

export class Schedule<Resource extends object> {
  #timer: NodeJS.Timeout | undefined
  /** When that strikes. */
  #at: number | undefined
  #open = false
  /** What was tried, and until when it rests. */
  readonly #tried = new WeakMap<Resource, { due: number; until: number }>()

  constructor(private readonly due: Due<Resource>) {}

  /** From here on. Not before everything is back that an earlier lab had. */
  begin(): void {
    this.#open = true
    this.look()
  }

  /** After a change: waits for whatever is due first. */
  look(): void {
    if (!this.#open) return
    const times = this.due.all().flatMap((resource) => this.#next(resource) ?? [])
    const next = times.length === 0 ? undefined : Math.min(...times)
    if (next === this.#at) return
    clearTimeout(this.#timer)
    this.#at = next
    if (next === undefined) return
    this.#timer = setTimeout(() => void this.#strike(), Math.min(Math.max(0, next - Date.now()), TIMER_MAX_MS))
    this.#timer.unref()
  }

  close(): void {
    this.#open = false
    clearTimeout(this.#timer)
  }

  #next(resource: Resource): number | undefined {
    const due = this.due.at(resource)
    const tried = this.#tried.get(resource)
    return due !== undefined && tried?.due === due ? Math.max(due, tried.until) : due
  }

  async #strike(): Promise<void> {
    const now = Date.now()
    for (const resource of this.due.all()) {
      const next = this.#next(resource)
      const due = this.due.at(resource)
      // it may be gone by now, or everything may be
      if (!this.#open || due === undefined || next === undefined || next > now || !this.due.all().includes(resource)) continue
      this.#tried.set(resource, { due, until: now + AGAIN_MS })
      await this.due.act(resource).catch((error) => this.due.log(`by the clock: ${error}`))
    }
    this.#at = undefined
    this.look()
  }
}

/** The next time of a clock, '03:00' in UTC, later than `after`, in milliseconds. */
export function nextDaily(time: string, after: number): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  const day = new Date(after)
  const today = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), hour, minute)
  return today > after ? today : today + 86_400_000
}
