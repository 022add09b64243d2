/** The faults that are ordered now. One is gone when it has struck as often as it was to and what it does to instances is over, when it
 *  has expired, or when it is taken back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { draw } from '../random'
import { type CallFacts, concerns, type Fault } from './fault'
import { beginsAtOnce, type FaultOffer, instanceStruck } from './offer'
import { parseOrder } from './order'
import { FaultRefusal } from './order-fields'

export interface FaultRecords {
  faults: Fault[]
  /** Ever; names the next one. */
  faultsOrdered: number
}

/** How long a call that is let go may go on waiting, in milliseconds. */
const LOOK_EVERY_MS = 25

export class FaultBook {
  /** How many calls wait for a fault's end, by its id. */
  readonly #holding = new Map<string, number>()

  constructor(
    private readonly records: FaultRecords,
    /** One for each cloud. */
    readonly offers: readonly FaultOffer[],
  ) {}

  /** Those that still stand, oldest first. */
  list(now = Date.now()): readonly Fault[] {
    this.records.faults = this.records.faults.filter((fault) => this.#stands(fault, now))
    return this.records.faults
  }

  /** @throws FaultRefusal when it is none, or its id is taken. */
  order(body: unknown, now = Date.now()): Fault {
    const ordinal = (this.records.faultsOrdered ?? 0) + 1
    const fault = parseOrder(body, this.offers, { now, id: `f${ordinal}` })
    if (this.list(now).some(({ id }) => id === fault.id)) {
      throw new FaultRefusal(
        'id',
        `id is "${fault.id}", which an ordered fault has; take that one back first, or give another id.`,
      )
    }
    if (this.beginsAtOnce(fault)) instanceStruck(fault, this.offers)
    this.records.faultsOrdered = ordinal
    this.records.faults.push(fault)
    return fault
  }

  /** Whether it strikes an instance without waiting for a call. */
  beginsAtOnce(fault: Fault): boolean {
    return this.offers.some((offer) => beginsAtOnce(fault, offer))
  }

  /** The instance that a fault strikes at once. @throws FaultRefusal. */
  struckBy(fault: Fault): { readonly cloud: string; readonly target: string } {
    return instanceStruck(fault, this.offers)
  }

  /** Resolves when a fault was taken back or has expired. It is listed until then, however often it was to strike. */
  async ended(fault: Fault, signal: AbortSignal): Promise<void> {
    await this.#listed(fault, async () => {
      while (this.#holds(fault)) await sleep(LOOK_EVERY_MS, undefined, { signal })
    })
  }

  /** Resolves after a fault's delay, to whether it stands still; it is listed until then. */
  async isDue(fault: Fault, signal: AbortSignal): Promise<boolean> {
    const at = Date.now() + fault.delayMs
    return this.#listed(fault, async () => {
      while (this.#holds(fault) && Date.now() < at) await sleep(LOOK_EVERY_MS, undefined, { signal })
      return this.#holds(fault)
    })
  }

  async #listed<T>({ id }: Fault, wait: () => Promise<T>): Promise<T> {
    this.#holding.set(id, (this.#holding.get(id) ?? 0) + 1)
    try {
      return await wait()
    } finally {
      this.#holding.set(id, (this.#holding.get(id) ?? 0) - 1)
    }
  }

  #holds(fault: Fault): boolean {
    return this.records.faults.includes(fault) && !expired(fault, Date.now())
  }

  /** Takes back one, or all. @returns those that it took. */
  withdraw(id?: string): readonly Fault[] {
    const taken = this.list().filter((fault) => id === undefined || fault.id === id)
    this.records.faults = this.records.faults.filter((fault) => !taken.includes(fault))
    return taken
  }

  /** Those of some kinds that could strike this call. */
  against(call: CallFacts, strikes: (kind: string) => boolean): readonly Fault[] {
    const now = Date.now()
    return this.list(now).filter(
      (fault) => fault.times !== 0 && !expired(fault, now) && strikes(fault.kind) && concerns(fault, call),
    )
  }

  /** One call that could be struck: whether it is. The caller saves the state. */
  strike(fault: Fault): boolean {
    const n = fault.seen
    fault.seen += 1
    if (fault.times === 0 || draw(fault.seed, n) >= fault.probability) return false
    fault.struck += 1
    if (fault.times !== null) fault.times -= 1
    return true
  }

  #stands(fault: Fault, now: number): boolean {
    if (fault.effects.length > 0) return true
    return (fault.times !== 0 || (this.#holding.get(fault.id) ?? 0) > 0) && !expired(fault, now)
  }
}

function expired(fault: Fault, now: number): boolean {
  return Date.parse(fault.expiresAt) <= now
}
