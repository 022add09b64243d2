/** What ordered faults do to instances, and for how long. What should be is written in the faults; what this process has begun is
 *  remembered here, and each round brings the second in line with the first: also after a restart, and when a fault is taken back. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '../../pgserver/settings'
import { TIMER_MAX_MS } from '../duration'
import { NothingDamaged } from '../postgres/damage'
import type { Moment } from '../postgres/spec'
import type { FaultBook } from './book'
import type { Effect, Fault } from './fault'
import { type InstanceEffect, NothingDone, type Patient, type PlainKind } from './kinds/acting'
import { BREAK_PROMOTION } from './kinds/break-promotion'
import { LINGER } from './kinds/linger'
import { CUT_LINK, waysOf } from './kinds/link'
import { STOP_SHORT } from './kinds/stop-short'

const HOLD_EVERY_MS = 300
const LOOK_EVERY_MS = 30

/** The cloud whose instances they strike. */
export interface Ward {
  readonly cloud: string
  readonly kinds: Readonly<Record<string, PlainKind>>
  /** By its key in the cloud's state; undefined when it is gone. */
  patient(target: string): Patient | undefined
  /** The name of the instance whose server is in this folder, as faults name it. */
  instanceIn(folder: string): string | undefined
  save(): Promise<void>
  log(line: string): void
}

export class Effects {
  readonly #begun = new Map<Effect, string>()
  #rounds: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #holding = new AbortController()
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
    return this.#standing(kind, target).length > 0
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

  /** It says that it is stopped, and goes on. */
  lingers(target: string): boolean {
    return this.holds(LINGER, target)
  }

  /** A server takes over, and is at this moment of it. @throws Error when that is to come apart, after the fault's delay. */
  async passes(moment: Moment, folder: string): Promise<void> {
    const instance = this.ward.instanceIn(folder)
    const fault = this.book
      .list()
      .find(
        (one) =>
          one.kind === BREAK_PROMOTION &&
          one.settings.moment === moment &&
          one.instance === instance &&
          (one.cloud ?? this.ward.cloud) === this.ward.cloud,
      )
    if (!fault) return
    const { signal } = this.#holding
    // until then it can be taken back, and nothing has happened
    for (const until = Date.now() + fault.delayMs; Date.now() < until; ) {
      await sleep(LOOK_EVERY_MS, undefined, { signal })
      if (!this.book.list().includes(fault)) return
    }
    if (!this.book.strike(fault)) return
    await this.ward.save()
    throw new Error(`It came apart (${moment}), as ordered by the fault ${fault.id}.`)
  }

  /** What faults set in an instance's PostgreSQL, whatever its customer set. */
  settings(target: string): Settings {
    const asked = this.book
      .list()
      .some((fault) => fault.kind === CUT_LINK && waysOf(fault).some(({ to }) => to === this.ward.cloud))
    const latencyMs = this.#standing('slow-disk', target).map(({ fault }) => Number(fault.settings.latency))
    // in microseconds, and also when nobody else commits
    return {
      // in seconds: who connects is looked at meanwhile (lab/links/)
      ...(asked && { pre_auth_delay: '1' }),
      // in microseconds, and also when nobody else commits
      ...(latencyMs.length > 0 && { commit_delay: String(Math.max(...latencyMs) * 1_000), commit_siblings: '0' }),
    }
  }

  /** By how much recoveries from this archive stop too early. */
  stopsShortMs(archive: string): number {
    const standing = this.#own().filter(
      ({ fault, effect }) => fault.kind === STOP_SHORT && this.ward.patient(effect.target)?.archive() === archive,
    )
    const now = Date.now()
    const begun = standing.filter(({ effect: { begun, until } }) => begun && (until === null || Date.parse(until) > now))
    return Math.max(0, ...begun.map(({ fault }) => Number(fault.settings.by)))
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

  /** Whoever takes over is held no longer: it is over with what they were to do. */
  letGo(): void {
    this.#holding.abort(new Error('The lab is closing.'))
    this.#holding = new AbortController()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#rounds
  }

  #standing(kind: string, target: string): { fault: Fault; effect: Effect }[] {
    const now = Date.now()
    return this.#own(now).filter(
      ({ fault, effect }) =>
        fault.kind === kind &&
        effect.begun &&
        effect.target === target &&
        (effect.until === null || Date.parse(effect.until) > now),
    )
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
    await this.#begin(act.begin, effect, fault)
  }

  /** What cannot be done at all is said to whoever ordered it. */
  async #begin(begin: InstanceEffect['begin'], effect: Effect, fault: Fault): Promise<void> {
    const act = (patient: Patient): Promise<void> =>
      begin(patient, fault.settings).catch((error: unknown) => {
        if (!(error instanceof NothingDamaged || error instanceof NothingDone)) throw error
        fault.trouble = error.message
      })
    await this.#try(act, effect, fault.kind)
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
  async #try(act: InstanceEffect['hold'], { target }: Effect, kind: string): Promise<void> {
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
