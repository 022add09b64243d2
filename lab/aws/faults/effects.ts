/** What ordered faults do to instances, and for how long. What should be is written in the faults; what this process has begun is
 *  remembered here, and each round brings the second in line with the first: also after a restart, and when a fault is taken back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../../duration'
import type { FaultBook } from '../../faults/book'
import type { Effect, Fault } from '../../faults/fault'
import type { Afflictions, AwsCloud } from '../cloud'
import { type DbInstance, key } from '../state'
import type { InstanceEffect } from './kind'
import { AWS_FAULTS } from './table'

const HOLD_EVERY_MS = 300
const LOOK_EVERY_MS = 30

export class Effects implements Afflictions {
  readonly #begun = new Map<Effect, string>()
  #rounds: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(
    private readonly book: FaultBook,
    private readonly cloud: () => AwsCloud,
  ) {}

  /** Struck now; begins after the fault's delay, with the next round. */
  add(fault: Fault, target: string): void {
    const from = Date.now() + fault.delayMs
    const lasts = fault.settings.lasts
    const until = lasts === undefined ? null : new Date(from + Number(lasts)).toISOString()
    fault.effects.push({ target, from: new Date(from).toISOString(), until, begun: false })
  }

  /** Resolves when everything that is due holds. */
  settle(): Promise<void> {
    this.#rounds = this.#rounds
      .then(() => (this.#closed ? undefined : this.#round()))
      .catch((error) => this.cloud().log(`faults: ${error}`))
    return this.#rounds
  }

  isCut(instance: DbInstance): boolean {
    return this.#holds('cut-network', instance)
  }

  isFrozen(instance: DbInstance): boolean {
    return this.#holds('freeze-instance', instance)
  }

  async thawed(instance: DbInstance, signal: AbortSignal): Promise<void> {
    while (this.isFrozen(instance)) await sleep(LOOK_EVERY_MS, undefined, { signal })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#rounds
  }

  async #round(): Promise<void> {
    clearTimeout(this.#timer)
    for (const fault of this.book.list()) {
      for (const effect of [...fault.effects]) await this.#carryOn(fault, effect)
    }
    const listed = new Set(this.book.list().flatMap(({ effects }) => effects))
    for (const [effect, kind] of [...this.#begun]) if (!listed.has(effect)) await this.#end(effect, kind)
    this.#schedule()
  }

  async #carryOn(fault: Fault, effect: Effect): Promise<void> {
    const now = Date.now()
    const act = AWS_FAULTS[fault.kind]?.effect
    const instance = this.cloud().state.instances[effect.target]
    const over = effect.until !== null && Date.parse(effect.until) <= now
    if (!act || !instance || over) return this.#drop(fault, effect)
    if (this.#begun.has(effect)) return await this.#try(act.hold, instance, fault.kind)
    if (Date.parse(effect.from) > now) return
    effect.begun = true
    // written down first: what happens once must not happen again after a restart
    if (effect.until === null) await this.#drop(fault, effect)
    else this.#begun.set(effect, fault.kind)
    await this.#try(act.begin, instance, fault.kind)
  }

  async #drop(fault: Fault, effect: Effect): Promise<void> {
    fault.effects = fault.effects.filter((other) => other !== effect)
    await this.cloud().save()
  }

  async #end(effect: Effect, kind: string): Promise<void> {
    this.#begun.delete(effect)
    const instance = this.cloud().state.instances[effect.target]
    if (instance) await this.#try(AWS_FAULTS[kind]?.effect?.end, instance, kind)
  }

  /** A server that is just being made, restarted or removed learns what holds at the end of that. */
  async #try(act: InstanceEffect['begin'] | undefined, instance: DbInstance, kind: string): Promise<void> {
    await act?.(this.cloud(), instance).catch((error) => this.cloud().log(`${kind} of ${instance.id}: ${error}`))
  }

  #holds(kind: string, instance: DbInstance): boolean {
    const target = key(instance.region, instance.id)
    const now = Date.now()
    return this.book
      .list(now)
      .filter((fault) => fault.kind === kind)
      .some(({ effects }) =>
        effects.some((one) => one.begun && one.target === target && (one.until === null || Date.parse(one.until) > now)),
      )
  }

  #schedule(): void {
    const effects = this.book.list().flatMap((fault) => fault.effects.map((effect) => ({ effect, kind: fault.kind })))
    const moments = effects.flatMap(({ effect: { from, until, begun }, kind }) => {
      if (!begun) return [Date.parse(from)]
      const held = AWS_FAULTS[kind]?.effect?.hold ? [Date.now() + HOLD_EVERY_MS] : []
      return until === null ? held : [Date.parse(until), ...held]
    })
    if (moments.length === 0 || this.#closed) return
    // a round that comes too early only sets the next one
    const waitMs = Math.min(Math.max(0, Math.min(...moments) - Date.now()), TIMER_MAX_MS)
    this.#timer = setTimeout(() => void this.settle(), waitMs)
    this.#timer.unref()
  }
}
