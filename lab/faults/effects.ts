/** What ordered faults do to instances, and for how long. What should be is written in the faults; what this process has begun is
 *  remembered here, and each round brings the second in line with the first: also after a restart, and when a fault is taken back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../duration'
import type { FaultBook } from './book'
import type { Effect, Fault } from './fault'
import type { InstanceEffect, Patient, PlainKind } from './kinds/acting'

const HOLD_EVERY_MS = 300
const LOOK_EVERY_MS = 30

/** The cloud whose instances they strike. */
export interface Ward {
  readonly cloud: string
  readonly kinds: Readonly<Record<string, PlainKind>>
  /** By its key in the cloud's state; undefined when it is gone. */
  patient(target: string): Patient | undefined
  save(): Promise<void>
  log(line: string): void
}

export class Effects {
  readonly #begun = new Map<Effect, string>()
  #rounds: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(
    private readonly book: FaultBook,
    private readonly ward: Ward,
  ) {}

  /** Struck now; begins after the fault's delay, with the next round. */
  add(fault: Fault, target: string): void {
    const from = Date.now() + fault.delayMs
    const lasts = fault.settings.lasts
    const until = lasts === undefined ? null : new Date(from + Number(lasts)).toISOString()
    fault.effects.push({ cloud: this.ward.cloud, target, from: new Date(from).toISOString(), until, begun: false })
  }

  /** Strikes with an order that waits for no call, when it means an instance of this cloud. */
  strikeNow(fault: Fault): void {
    if (!this.book.beginsAtOnce(fault)) return
    const { cloud, target } = this.book.struckBy(fault)
    if (cloud !== this.ward.cloud) return
    this.book.strike(fault)
    this.add(fault, target)
  }

  /** Resolves when everything that is due holds. */
  settle(): Promise<void> {
    this.#rounds = this.#rounds
      .then(() => (this.#closed ? undefined : this.#round()))
      .catch((error) => this.ward.log(`faults: ${error}`))
    return this.#rounds
  }

  /** Whether a fault of this kind has begun with the instance and is not over. */
  holds(kind: string, target: string): boolean {
    const now = Date.now()
    return this.#own(now).some(
      ({ fault, effect }) =>
        fault.kind === kind &&
        effect.begun &&
        effect.target === target &&
        (effect.until === null || Date.parse(effect.until) > now),
    )
  }

  isCut(target: string): boolean {
    return this.holds('cut-network', target)
  }

  isFrozen(target: string): boolean {
    return this.holds('freeze-instance', target)
  }

  isFull(target: string): boolean {
    return this.holds('fill-disk', target)
  }

  /** Resolves once it is not frozen. */
  async thawed(target: string, signal: AbortSignal): Promise<void> {
    while (this.isFrozen(target)) await sleep(LOOK_EVERY_MS, undefined, { signal })
  }

  /** Somebody took away what it needs: the instance got a larger disk. What is to be done at its end is done. */
  async lift(kind: string, target: string): Promise<void> {
    for (const { fault, effect } of this.#own()) {
      if (fault.kind === kind && effect.target === target && effect.begun) await this.#drop(fault, effect)
    }
    await this.settle()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#rounds
  }

  #own(now = Date.now()): { fault: Fault; effect: Effect }[] {
    return this.book
      .list(now)
      .flatMap((fault) => fault.effects.map((effect) => ({ fault, effect })))
      .filter(({ effect }) => effect.cloud === this.ward.cloud)
  }

  async #round(): Promise<void> {
    clearTimeout(this.#timer)
    for (const { fault, effect } of this.#own()) await this.#carryOn(fault, effect)
    const listed = new Set(this.#own().map(({ effect }) => effect))
    for (const [effect, kind] of [...this.#begun]) if (!listed.has(effect)) await this.#end(effect, kind)
    this.#schedule()
  }

  async #carryOn(fault: Fault, effect: Effect): Promise<void> {
    const now = Date.now()
    const act = this.ward.kinds[fault.kind]?.effect
    const patient = this.ward.patient(effect.target)
    const over = effect.until !== null && Date.parse(effect.until) <= now
    // it ran out while the lab was down: what it has done is undone all the same
    if (over && effect.begun) this.#begun.set(effect, fault.kind)
    if (!act || !patient || over) return this.#drop(fault, effect)
    if (this.#begun.has(effect)) return await this.#try(act.hold, effect, fault.kind)
    if (Date.parse(effect.from) > now) return
    effect.begun = true
    // written down first: what happens once must not happen again after a restart
    if (effect.until === null) await this.#drop(fault, effect)
    else this.#begun.set(effect, fault.kind)
    await this.#try(act.begin, effect, fault.kind)
  }

  async #drop(fault: Fault, effect: Effect): Promise<void> {
    fault.effects = fault.effects.filter((other) => other !== effect)
    await this.ward.save()
  }

  async #end(effect: Effect, kind: string): Promise<void> {
    this.#begun.delete(effect)
    await this.#try(this.ward.kinds[kind]?.effect?.end, effect, kind)
  }

  /** A server that is just being made, restarted or removed learns what holds at the end of that. */
  async #try(act: InstanceEffect['begin'] | undefined, { target }: Effect, kind: string): Promise<void> {
    const patient = this.ward.patient(target)
    if (patient) await act?.(patient).catch((error) => this.ward.log(`${kind} of ${target}: ${error}`))
  }

  #schedule(): void {
    const moments = this.#own().flatMap(({ fault, effect: { from, until, begun } }) => {
      if (!begun) return [Date.parse(from)]
      const held = this.ward.kinds[fault.kind]?.effect?.hold ? [Date.now() + HOLD_EVERY_MS] : []
      return until === null ? held : [Date.parse(until), ...held]
    })
    if (moments.length === 0 || this.#closed) return
    // a round that comes too early only sets the next one
    const waitMs = Math.min(Math.max(0, Math.min(...moments) - Date.now()), TIMER_MAX_MS)
    this.#timer = setTimeout(() => void this.settle(), waitMs)
    this.#timer.unref()
  }
}
