/** The faults of one call, asked at each moment of its life. What strikes is noted for the record of calls. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../duration'
import type { Past } from '../past'
import type { FaultBook } from './book'
import type { Effects } from './effects'
import type { CallFacts, Fault, NamedResource } from './fault'
import type { ActingKind, Rested } from './kinds/acting'
import type { FaultTable } from './kinds/table'

/** How what was promised goes wrong. */
export interface Doom {
  fault: string
  delayMs: number
}

/** What an operation asks of the faults that were ordered. */
export interface Hazards {
  /** Whether an instance that could take a change must refuse it. */
  keepsBusy(instance: Rested): boolean
  /** For a call that is accepted: how what it promises will go wrong. */
  doom(): Doom | undefined
}

/** A call that was carried out arrives once more. */
export interface Again {
  readonly why: Fault
  /** Resolves when it does, to false where that was taken back meanwhile. Rejects when the lab closes. */
  readonly isDue: Promise<boolean>
}

export interface CallFaultsOptions<State> {
  readonly book: FaultBook
  readonly effects: Effects
  readonly kinds: FaultTable<State>
  readonly call: CallFacts
  /** The key of an instance that the call names; undefined when there is none. */
  readonly targetOf: (resource: NamedResource) => string | undefined
  /** Aborted when the lab closes. */
  readonly signal: AbortSignal
  /** Why it arrives for the second time. */
  readonly again?: Fault | undefined
}

export class CallFaults<State> implements Hazards {
  readonly #struck: Fault[]

  constructor(private readonly options: CallFaultsOptions<State>) {
    this.#struck = options.again === undefined ? [] : [options.again]
  }

  /** Those that struck so far, each once. */
  get struck(): readonly { readonly id: string; readonly kind: string }[] {
    return [...new Set(this.#struck)].map(({ id, kind }) => ({ id, kind }))
  }

  /** Waits and refuses as ordered. @throws the cloud's own error. */
  async before(): Promise<void> {
    for (const [fault] of this.#against('holds')) {
      if (this.#strike(fault)) await this.options.book.ended(fault, this.options.signal)
    }
    for (const [fault, kind] of this.#against('before')) {
      if (!this.#strike(fault)) continue
      await this.#wait(fault)
      const refusal = kind.before?.(fault)
      if (refusal) throw refusal
    }
  }

  /** What the operation sees as the state: for a question perhaps an older one. Undefined: that of now. */
  seen(now: { state: State; past: Past<State> }): State | undefined {
    let state: State | undefined
    for (const [fault, kind] of this.#against('sees')) if (this.#strike(fault)) state = kind.sees?.(fault, now)
    return state
  }

  keepsBusy(instance: Rested): boolean {
    const now = Date.now()
    return this.#against('keepsBusy').some(([fault, kind]) => kind.keepsBusy?.(fault, instance, now) && this.#strike(fault))
  }

  doom(): Doom | undefined {
    const [fault] = this.#against('failsPromise').find(([candidate]) => this.#strike(candidate)) ?? []
    return fault && { fault: fault.id, delayMs: fault.delayMs }
  }

  /** For a call that was carried out: whether its answer gets lost. */
  async dropsAnswer(): Promise<boolean> {
    const [fault] = this.#against('dropsAnswer').find(([candidate]) => this.#strike(candidate)) ?? []
    if (fault) await this.#wait(fault)
    return fault !== undefined
  }

  /** For a call that was carried out, and never for one that comes for the second time: why it arrives once more. */
  arrivesAgain(): Again | undefined {
    const { again, book, signal } = this.options
    if (again !== undefined) return undefined
    const [why] = this.#against('arrivesAgain').find(([candidate]) => this.#strike(candidate)) ?? []
    if (why === undefined) return undefined
    const isDue = book.isDue(why, signal)
    isDue.catch(() => undefined)
    return { why, isDue }
  }

  /** For a call that was carried out: what is done to the instances that it names. Whether anything is. */
  afterwards(): boolean {
    let any = false
    for (const [fault] of this.#against('effect')) {
      if (fault.operation === null || !this.#strike(fault)) continue
      for (const resource of this.options.call.resources) {
        const target = resource.type === 'instance' ? this.options.targetOf(resource) : undefined
        if (target === undefined) continue
        this.options.effects.add(fault, target)
        any = true
      }
    }
    return any
  }

  #against(hook: keyof ActingKind<State>): [Fault, ActingKind<State>][] {
    const { book, kinds, call } = this.options
    return book
      .against(call, (name) => {
        const kind = kinds[name]
        return kind?.[hook] !== undefined && (kind.operations?.includes(call.operation) ?? true)
      })
      .flatMap((fault) => {
        const kind = kinds[fault.kind]
        return kind ? [[fault, kind] as [Fault, ActingKind<State>]] : []
      })
  }

  #strike(fault: Fault): boolean {
    const struck = this.options.book.strike(fault)
    if (struck) this.#struck.push(fault)
    return struck
  }

  async #wait({ delayMs }: Fault): Promise<void> {
    if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal: this.options.signal })
  }
}
