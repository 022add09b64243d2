/** What a simulated cloud looked like before, remembered only while a fault answers questions from it. */
import type { Fault } from './faults/fault'

interface Moment<State> {
  readonly at: number
  readonly state: State
}

export class Past<State> {
  /** By the fault's id, oldest first. */
  readonly #moments = new Map<string, Moment<State>[]>()

  /** After a change: for each fault that may have to answer from before the next one. */
  note(faults: readonly Fault[], state: State, now = Date.now()): void {
    for (const id of this.#moments.keys()) if (!faults.some((fault) => fault.id === id)) this.#moments.delete(id)
    // those that count questions remember at each question
    const timed = faults.filter(({ settings }) => settings.reads === undefined)
    if (timed.length === 0) return
    const moment = { at: now, state: structuredClone(state) }
    for (const { id } of timed) this.#of(id).push(moment)
  }

  /** As it was `lagMs` ago, or when the fault was ordered if that is less. */
  before(fault: Fault, lagMs: number, state: State, now = Date.now()): State {
    const moments = this.#of(fault.id)
    if (moments.length === 0) moments.push({ at: now, state: structuredClone(state) })
    const next = moments.findIndex(({ at }) => at > now - lagMs)
    moments.splice(0, Math.max(0, (next === -1 ? moments.length : next) - 1))
    return moments[0]?.state ?? state
  }

  /** As it was when asked `reads` questions ago, or for the first time. */
  asked(fault: Fault, reads: number, state: State, now = Date.now()): State {
    const moments = this.#of(fault.id)
    moments.push({ at: now, state: structuredClone(state) })
    moments.splice(0, moments.length - 1 - reads)
    return moments[0]?.state ?? state
  }

  #of(id: string): Moment<State>[] {
    const moments = this.#moments.get(id) ?? []
    this.#moments.set(id, moments)
    return moments
  }
}
