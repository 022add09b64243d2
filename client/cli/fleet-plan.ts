/** What `capstan verify-backup --all` says of whose turn it is, and of the night's money. */
import type { DatabaseEntry, NightMoney } from '../../contracts/fleet'
import { type Micros, shownMoney } from '../../contracts/money'
import type { Ledger } from '../../ledger/ledger'
import type { LoadedFleet } from '../fleet/read-fleet'
import { payInOrder } from '../night-money'
import { type Quote, quoteFromLedger } from '../night-quote'
import { boundIn, type Spending, spentSince, type Uncounted } from '../night-spending'
import { chooseForTheNight, type FleetChoice, fleetCandidates, type LeftOut } from '../verify-fleet'
import type { CliContext } from './context'
import type { LaunchOptions } from './launch'
import { oneLine } from './render/quoted'

export interface Standing {
  readonly ledger: Ledger
  readonly fleet: LoadedFleet
}

/** A plan asks the ledger alone: whether anybody is at work, and what a copy costs, is what the records say. */
export async function showPlan(cli: CliContext, { ledger, fleet }: Standing, options: LaunchOptions): Promise<void> {
  const { databases, verification = {} } = fleet
  const { money, restoresPerRun = null } = verification
  const candidates = await fleetCandidates(ledger, databases, async () => true)
  if (money === undefined) return showChoice(cli, chooseForTheNight(candidates, verification), options)
  const spent = await spentTonight(ledger, databases, money)
  const quotes = new Map<string, Quote | null>()
  for (const { entry } of candidates) quotes.set(entry.name, await quoteFromLedger(ledger, entry))
  const order = chooseForTheNight(candidates, {})
  const boundMicros = boundIn(spent)
  const quoteFor = ({ name }: DatabaseEntry): Quote | null => quotes.get(name) ?? null
  const paid = payInOrder(order.chosen, {
    ...{ money, restoresPerRun, quoteFor },
    spent: { ...spent, boundMicros },
  })
  showChoice(cli, { chosen: paid.chosen, left: [...paid.left, ...order.left] }, options, {
    ...{ perNightMicros: money.microsPerNight, currency: money.currency, spentMicros: spent.settledMicros, boundMicros },
    uncounted: spent.unpriced,
    atMostMicros: paid.boundMicros - boundMicros,
  })
}

interface ShownMoney {
  readonly perNightMicros: Micros
  readonly currency: string
  readonly spentMicros: Micros
  readonly boundMicros: Micros
  /** Runs that are in neither: they have no price. */
  readonly uncounted: readonly Uncounted[]
  /** Of those that are chosen. */
  readonly atMostMicros: Micros
}

/** Before they begin. Of money nobody knows yet how far it reaches: what one costs is asked when it is its turn. */
export function showOrder(cli: CliContext, { chosen, left }: FleetChoice, money: NightMoney | undefined): void {
  const limit = money === undefined ? '' : `, as far as the night's ${shownMoney(money.microsPerNight, money.currency)} reach`
  cli.lines([`verifies ${namesOf(chosen)}${limit}`, ...left.map(leftLine)])
}

const namesOf = (chosen: readonly DatabaseEntry[]): string =>
  chosen.length === 0 ? 'nothing' : chosen.map(({ name }) => name).join(', ')

function showChoice(
  cli: CliContext,
  { chosen, left }: FleetChoice,
  { json }: Pick<LaunchOptions, 'json'>,
  money?: ShownMoney,
): void {
  if (json) {
    cli.json({ version: 1, chosen: chosen.map(({ name }) => name), left, ...(money && { money }) })
    return
  }
  cli.lines([`verifies ${namesOf(chosen)}`, ...left.map(leftLine), ...(money === undefined ? [] : moneyLines(money))])
}

export const leftLine = ({ database, why }: LeftOut): string => `  not ${database}: ${oneLine(why)}`

function moneyLines({ perNightMicros, currency, spentMicros, boundMicros, atMostMicros, uncounted }: ShownMoney): string[] {
  const money = (micros: Micros): string => shownMoney(micros, currency)
  const line = `  for ${money(atMostMicros)} at most; of the night's ${money(perNightMicros)}, ${money(spentMicros)} are spent and ${money(boundMicros)} bound, as reckoned`
  return [line, ...uncounted.map(uncountedLine)]
}

const uncountedLine = ({ why }: Uncounted): string => `  not counted: ${oneLine(why)}`

export function spentTonight(
  ledger: Ledger,
  databases: readonly DatabaseEntry[],
  { nightMs, currency }: NightMoney,
): Promise<Spending> {
  const now = Date.now()
  return spentSince(ledger, databases, { since: now - nightMs, now, currency })
}

export async function showSpent(
  cli: CliContext,
  { ledger, fleet }: Standing,
  { json }: LaunchOptions,
): Promise<{ money?: Omit<ShownMoney, 'atMostMicros'> }> {
  const money = fleet.verification?.money
  if (money === undefined) return {}
  const spent = await spentTonight(ledger, fleet.databases, money)
  const { microsPerNight, currency } = money
  const { settledMicros } = spent
  if (!json) {
    cli.lines([
      `spent this night: ${shownMoney(settledMicros, currency)} of ${shownMoney(microsPerNight, currency)}, as reckoned`,
      ...spent.unpriced.map(uncountedLine),
    ])
  }
  const perNight = { perNightMicros: microsPerNight, currency, spentMicros: settledMicros, boundMicros: boundIn(spent) }
  return { money: { ...perNight, uncounted: spent.unpriced } }
}
