/** What simulated RDS looked like before, remembered only while a fault answers questions from it. */
import type { Fault } from '../faults/fault'
import type { AwsState } from './state'

interface Moment {
  readonly at: number
  readonly state: AwsState
}

export class Past {
  /** By the fault's id, oldest first. */
  readonly #moments = new Map<string, Moment[]>()

  /** After a change: for each fault that may have to answer from before the next one. */
  note(faults: readonly Fault[], state: AwsState, now = Date.now()): void {
    for (const id of this.#moments.keys()) if (!faults.some((fault) => fault.id === id)) this.#moments.delete(id)
    // those that count questions remember at each question
    const timed = faults.filter(({ settings }) => settings.reads === undefined)
    if (timed.length === 0) return
    const moment = { at: now, state: structuredClone(state) }
    for (const { id } of timed) this.#of(id).push(moment)
  }

  /** As it was `lagMs` ago, or when the fault was ordered if that is less. */
  before(fault: Fault, lagMs: number, state: AwsState, now = Date.now()): AwsState {
    const moments = this.#of(fault.id)
    if (moments.length === 0) moments.push({ at: now, state: structuredClone(state) })
    const next = moments.findIndex(({ at }) => at > now - lagMs)
    moments.splice(0, Math.max(0, (next === -1 ? moments.length : next) - 1))
    return moments[0]?.state ?? state
  }

  /** As it was when asked `reads` questions ago, or for the first time. */
  asked(fault: Fault, reads: number, state: AwsState, now = Date.now()): AwsState {
    const moments = this.#of(fault.id)
    moments.push({ at: now, state: structuredClone(state) })
    moments.splice(0, moments.length - 1 - reads)
    return moments[0]?.state ?? state
  }

  #of(id: string): Moment[] {
    const moments = this.#moments.get(id) ?? []
    this.#moments.set(id, moments)
    return moments
  }
}
