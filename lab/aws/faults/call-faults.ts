/** The faults of one call, asked at each moment of its life. What strikes is noted for the record of calls. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../../duration'
import type { FaultBook } from '../../faults/book'
import type { CallFacts, Fault } from '../../faults/fault'
import type { AwsCloud, Hazards } from '../cloud'
import { type AwsState, type DbInstance, type Doom, key } from '../state'
import type { Effects } from './effects'
import type { AwsFaultKind } from './kind'
import { AWS_FAULTS } from './table'

type Hook = keyof AwsFaultKind

export class CallFaults implements Hazards {
  readonly #struck: Fault[] = []

  constructor(
    private readonly book: FaultBook,
    private readonly effects: Effects,
    private readonly call: CallFacts,
    /** Aborted when the lab closes. */
    private readonly signal: AbortSignal,
  ) {}

  /** Those that struck so far, each once. */
  get struck(): readonly { readonly id: string; readonly kind: string }[] {
    return [...new Set(this.#struck)].map(({ id, kind }) => ({ id, kind }))
  }

  /** Waits and refuses as ordered. @throws AwsError. */
  async before(): Promise<void> {
    for (const [fault, kind] of this.#against('before')) {
      if (!this.#strike(fault)) continue
      await this.#wait(fault)
      const refusal = kind.before?.(fault)
      if (refusal) throw refusal
    }
  }

  /** What the operation sees as the state: for a question perhaps an older one. */
  view(cloud: AwsCloud): AwsCloud {
    let state: AwsState | undefined
    for (const [fault, kind] of this.#against('sees')) if (this.#strike(fault)) state = kind.sees?.(fault, cloud)
    return state === undefined ? cloud : { ...cloud, state }
  }

  keepsBusy(instance: DbInstance): boolean {
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

  /** For a call that was carried out: what is done to the instances that it names. */
  afterwards(cloud: AwsCloud): boolean {
    let any = false
    for (const [fault] of this.#against('effect')) {
      if (fault.operation === null || !this.#strike(fault)) continue
      for (const { type, id } of this.call.resources) {
        const target = key(this.call.region, id)
        if (type !== 'instance' || !cloud.state.instances[target]) continue
        this.effects.add(fault, target)
        any = true
      }
    }
    return any
  }

  #against(hook: Hook): [Fault, AwsFaultKind][] {
    const kindOf = (name: string): AwsFaultKind | undefined => AWS_FAULTS[name]
    return this.book
      .against(this.call, (name) => {
        const kind = kindOf(name)
        return kind?.[hook] !== undefined && (kind.operations?.includes(this.call.operation) ?? true)
      })
      .flatMap((fault) => {
        const kind = kindOf(fault.kind)
        return kind ? [[fault, kind] as [Fault, AwsFaultKind]] : []
      })
  }

  #strike(fault: Fault): boolean {
    const struck = this.book.strike(fault)
    if (struck) this.#struck.push(fault)
    return struck
  }

  async #wait({ delayMs }: Fault): Promise<void> {
    if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal: this.signal })
  }
}
