/** Whether what is left of a night's money pays for another verification, and for which ones. Money is bound before anything is started, for what it may
 *  cost at most, and free again once it is over and cost less. */
import type { DatabaseEntry, NightMoney } from '../contracts/fleet'
import { type Micros, shownMoney } from '../contracts/money'
import type { OperationId } from '../contracts/operation'
import type { Quote, Unplanned } from './night-quote'
import { boundIn, type Spending } from './night-spending'
import { beyond, type FleetChoice, type LeftOut, type Purse } from './verify-fleet'

interface Standing {
  readonly settledMicros: Micros
  readonly boundMicros: Micros
}

type Refusal = Pick<LeftOut, 'why' | 'needsSomebody'>
type Answer = 'fits' | 'wait' | Refusal

/** Why no night's money pays for it, unless somebody changes something; null: some night's does. Pure. */
export function neverPays(quote: Quote, { microsPerNight, currency }: NightMoney): string | null {
  if ('lacking' in quote) return `no budget of money can be kept for it: ${quote.lacking}`
  if (quote.atMostMicros <= microsPerNight) return null
  const most = shownMoney(quote.atMostMicros, currency)
  const night = shownMoney(microsPerNight, currency)
  return `it costs ${most} at most, and a whole night has ${night}; give it less time (verification.maxHours, verification.maxCost), or the night more`
}

/** Pure. */
export function answerTo(quote: Quote, money: NightMoney, { settledMicros, boundMicros }: Standing): Answer {
  const never = neverPays(quote, money)
  if (never !== null || 'lacking' in quote) return { why: never ?? '', needsSomebody: true }
  const { microsPerNight, currency } = money
  const restMicros = microsPerNight - settledMicros
  if (quote.atMostMicros > restMicros) {
    const most = shownMoney(quote.atMostMicros, currency)
    const rest = shownMoney(Math.max(0, restMicros), currency)
    return { why: `it costs ${most} at most, and this night has ${rest} left; its turn comes`, needsSomebody: false }
  }
  return quote.atMostMicros > restMicros - boundMicros ? 'wait' : 'fits'
}

const UNPLANNED = 'what it costs is asked when it is its turn: the ledger has no plan of it yet'
const BOUND = 'the rest of the money is bound for runs that go on; its turn comes'

const BEHIND = 'the rest of the money is kept for one whose turn is before; its turn comes'

/** Which of them the money pays for, if each costs what it may, in their order: what a plan shows. `quoteFor` null: nobody knows yet. Pure. */
export function payInOrder(
  entries: readonly DatabaseEntry[],
  { money, spent, quoteFor, restoresPerRun }: PayInOrder,
): FleetChoice & { readonly boundMicros: Micros } {
  const chosen: DatabaseEntry[] = []
  const left: LeftOut[] = []
  const [obscure] = spent.unknown
  let boundMicros = spent.boundMicros
  let isAnyWaiting = false
  for (const entry of entries) {
    const { name: database } = entry
    const quote = quoteFor(entry)
    const answer = quote === null ? { why: UNPLANNED, needsSomebody: false } : answerTo(quote, money, { ...spent, boundMicros })
    if (chosen.length === restoresPerRun) left.push(beyond(database, restoresPerRun))
    else if (obscure !== undefined) left.push({ database, why: obscure.why, needsSomebody: true })
    else if (answer === 'wait') {
      left.push({ database, why: BOUND, needsSomebody: false })
      // What is bound for runs of others alone is waited for by nobody.
      isAnyWaiting ||= chosen.length > 0
    } else if (answer !== 'fits') left.push({ database, ...answer })
    else if (isAnyWaiting) left.push({ database, why: BEHIND, needsSomebody: false })
    else {
      chosen.push(entry)
      boundMicros += quote === null || 'lacking' in quote ? 0 : quote.atMostMicros
    }
  }
  return { chosen, left, boundMicros }
}

export interface PayInOrder {
  readonly money: NightMoney
  readonly spent: Standing & Pick<Spending, 'unknown'>
  readonly quoteFor: (entry: DatabaseEntry) => Quote | null
  readonly restoresPerRun: number | null
}

export interface NightPurseOptions {
  readonly money: NightMoney
  readonly restoresPerRun: number | null
  /** Asks what it costs now, by a plan of it. */
  readonly quote: (entry: DatabaseEntry) => Promise<Quote | Unplanned>
  /** What it cost by its newest plan; null: it has none. */
  readonly lastQuote: (entry: DatabaseEntry) => Promise<Quote | null>
  readonly look: () => Promise<Spending>
}

export class NightPurse implements Purse {
  /** What this process has begun, or is about to. */
  private readonly own = new Map<string, { readonly micros: Micros; readonly operation: OperationId | null }>()
  private readonly quotes = new Map<string, Quote>()
  private admitted = 0

  constructor(private readonly options: NightPurseOptions) {}

  async admit(entry: DatabaseEntry): Promise<'admitted' | 'wait' | LeftOut> {
    const { money, restoresPerRun, look } = this.options
    const { name: database } = entry
    if (this.admitted === restoresPerRun) return beyond(database, restoresPerRun)
    const quote = this.quotes.get(database) ?? (await this.ask(entry))
    if ('why' in quote) return { database, ...quote }
    this.quotes.set(database, quote)
    const { settledMicros, bound, unknown } = await look()
    const own = [...this.own.values()]
    const obscure = this.obscureOf(unknown)
    if (obscure !== null) return { database, ...obscure }
    // What this process has begun may have no record yet; what has one may cost more than was thought.
    const recorded = (operation: OperationId | null): Micros => (operation === null ? 0 : (bound.get(operation) ?? 0))
    const unrecorded = own.map(({ micros, operation }) => Math.max(0, micros - recorded(operation)))
    const boundMicros = boundIn({ bound }) + unrecorded.reduce((sum, micros) => sum + micros, 0)
    const answer = answerTo(quote, money, { settledMicros, boundMicros })
    if (answer === 'wait') return 'wait'
    if (answer !== 'fits') return { database, ...answer }
    this.own.set(database, { micros: 'lacking' in quote ? 0 : quote.atMostMicros, operation: null })
    this.admitted += 1
    return 'admitted'
  }

  /** A plan is an operation of its own: none is made that the ledger can spare. */
  private async ask(entry: DatabaseEntry): Promise<Quote | Refusal> {
    const { money, quote, lastQuote, look } = this.options
    const { settledMicros, unknown } = await look()
    const obscure = this.obscureOf(unknown)
    if (obscure !== null) return obscure
    const last = await lastQuote(entry)
    const answer = last === null ? 'fits' : answerTo(last, money, { settledMicros, boundMicros: 0 })
    // What no night pays for is asked anew: a smaller class, or a price, would be known by a plan alone.
    if (answer !== 'fits' && answer !== 'wait' && !answer.needsSomebody) return answer
    const asked = await quote(entry)
    return 'unplanned' in asked ? { why: `no plan of it could be made: ${asked.unplanned}`, needsSomebody: true } : asked
  }

  private obscureOf(unknown: Spending['unknown']): Refusal | null {
    const own = [...this.own.values()]
    const obscure = unknown.find(({ operation }) => own.every((one) => one.operation !== operation))
    return obscure === undefined ? null : { why: obscure.why, needsSomebody: true }
  }

  /** What was bound for it is all that it may cost, however its instance grew meanwhile: its own plan holds it to that. */
  limited(entry: DatabaseEntry): DatabaseEntry {
    const costMicrosMax = this.own.get(entry.name)?.micros
    return costMicrosMax === undefined ? entry : { ...entry, verification: { ...entry.verification, costMicrosMax } }
  }

  /** Told before it has a record. Another one of the same database, which nobody is at work on any more, counts besides. */
  begins({ name }: DatabaseEntry, operation: OperationId): void {
    const own = this.own.get(name)
    if (own !== undefined) this.own.set(name, { ...own, operation })
  }

  settle({ name }: DatabaseEntry): void {
    this.own.delete(name)
  }
}
