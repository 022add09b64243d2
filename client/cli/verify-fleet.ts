/** `capstan verify-backup --all`: the fleet's verifications, in turns and within its budget, and the report of what is proven by now. */
import type { DatabaseEntry, NightMoney } from '../../contracts/fleet'
import { type Micros, shownMoney } from '../../contracts/money'
import type { OperationDocument, OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { temporalOf } from '../config'
import type { Doors } from '../decide'
import { EXIT } from '../exit-codes'
import type { LoadedFleet } from '../fleet/read-fleet'
import { NightPurse, payInOrder, type Quote, quoteFromLedger, quoteOf } from '../night-money'
import { boundIn, planOf, type Spending, spentSince } from '../night-spending'
import { startVerifyBackup } from '../start-verify-backup'
import { TemporalLink } from '../temporal-link'
import { verificationMetrics } from '../verification-metrics'
import { reportVerifications, type VerificationStanding } from '../verification-report'
import {
  COPIES_AT_ONCE,
  chooseForTheNight,
  type FleetChoice,
  type FleetRun,
  fleetCandidates,
  type LeftOut,
  verifyInTurns,
} from '../verify-fleet'
import { waitForOperation } from '../wait'
import { checkWorkflow } from '../workflow-health'
import type { CliContext } from './context'
import { confirmed, type LaunchOptions } from './launch'
import { oneLine } from './render/quoted'
import { verificationReportLines } from './render/verification-report'

interface Standing {
  readonly ledger: Ledger
  readonly fleet: LoadedFleet
}

export async function showReport(
  cli: CliContext,
  { ledger, fleet }: Standing,
  options: { readonly json?: boolean; readonly prometheus?: boolean },
): Promise<void> {
  const now = Date.now()
  const standings = await reportVerifications(ledger, fleet, now)
  if (options.json) cli.json({ version: 1, databases: standings })
  else if (options.prometheus) cli.lines(verificationMetrics(standings, now))
  else cli.lines(verificationReportLines(standings, cli.paint))
  if (isAlerting(standings)) cli.exit = EXIT.finding
}

const isAlerting = (standings: readonly VerificationStanding[]): boolean => standings.some(({ alerts }) => alerts.length > 0)

export async function verifyFleet(cli: CliContext, fleet: LoadedFleet, options: LaunchOptions): Promise<void> {
  if (options.plan) return cli.withLedger(async (ledger) => showPlan(cli, { ledger, fleet }, options))
  temporalOf(cli.settings)
  const { restoresPerRun } = fleet.verification ?? {}
  const most = Math.min(restoresPerRun ?? fleet.databases.length, fleet.databases.length)
  if (!(await confirmed(cli, `Restore copies of up to ${most} databases, prove them and remove them?`, options))) {
    cli.lines(['Nothing was started.'])
    cli.exit = EXIT.stopped
    return
  }
  await cli.withDoors(async (doors) => {
    const { ledger } = doors
    const candidates = await fleetCandidates(ledger, fleet.databases, (operation) => isAtWork(doors, operation))
    // Where money is limited it says itself whose turn it is, one after the other.
    const chosen = chooseForTheNight(candidates, fleet.verification?.money === undefined ? (fleet.verification ?? {}) : {})
    if (!options.json) showChoice(cli, chosen, options)
    const { runs, left, detached } = await verifyChosen(cli, doors, { fleet, chosen: chosen.chosen, options })
    const spent = await showSpent(cli, { ledger, fleet }, options)
    const standings = await reportVerifications(ledger, fleet, Date.now())
    const leftOut = [...left, ...chosen.left]
    if (options.json) cli.json({ version: 1, runs, left: leftOut, ...spent, databases: standings })
    else cli.lines(['', ...verificationReportLines(standings, cli.paint)])
    const failed = runs.some(({ status, verdict }) => status !== 'succeeded' || verdict !== 'pass')
    const isFinding = failed || isAlerting(standings) || leftOut.some(({ needsSomebody }) => needsSomebody)
    cli.exit = detached ? EXIT.detached : isFinding ? EXIT.finding : EXIT.success
  })
}

async function isAtWork({ temporal }: Doors, operation: OperationId): Promise<boolean> {
  const health = await checkWorkflow(temporal, operation, Number.POSITIVE_INFINITY)
  return health.state !== 'closed' || health.status === 'PAUSED'
}

/** A plan asks the ledger alone: whether anybody is at work, and what a copy costs, is what the records say. */
async function showPlan(cli: CliContext, { ledger, fleet }: Standing, options: LaunchOptions): Promise<void> {
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
    spent: { settledMicros: spent.settledMicros, boundMicros },
  })
  showChoice(cli, { chosen: paid.chosen, left: [...paid.left, ...order.left] }, options, {
    ...{ perNightMicros: money.microsPerNight, currency: money.currency, spentMicros: spent.settledMicros, boundMicros },
    atMostMicros: paid.boundMicros - boundMicros,
  })
}

interface ShownMoney {
  readonly perNightMicros: Micros
  readonly currency: string
  readonly spentMicros: Micros
  readonly boundMicros: Micros
  /** Of those that are chosen. */
  readonly atMostMicros: Micros
}

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
  const names = chosen.length === 0 ? 'nothing' : chosen.map(({ name }) => name).join(', ')
  cli.lines([`verifies ${names}`, ...left.map(leftLine), ...(money === undefined ? [] : [moneyLine(money)])])
}

const leftLine = ({ database, why }: LeftOut): string => `  not ${database}: ${oneLine(why)}`

function moneyLine({ perNightMicros, currency, spentMicros, boundMicros, atMostMicros }: ShownMoney): string {
  const money = (micros: Micros): string => shownMoney(micros, currency)
  return `  for ${money(atMostMicros)} at most; of the night's ${money(perNightMicros)}, ${money(spentMicros)} are spent and ${money(boundMicros)} bound, as reckoned`
}

function spentTonight(ledger: Ledger, databases: readonly DatabaseEntry[], { nightMs }: NightMoney): Promise<Spending> {
  const now = Date.now()
  return spentSince(ledger, databases, { since: now - nightMs, now })
}

async function showSpent(
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
    cli.lines([`spent this night: ${shownMoney(settledMicros, currency)} of ${shownMoney(microsPerNight, currency)}, as reckoned`])
  }
  return { money: { perNightMicros: microsPerNight, currency, spentMicros: settledMicros, boundMicros: boundIn(spent) } }
}

interface Chosen {
  readonly fleet: LoadedFleet
  readonly chosen: readonly DatabaseEntry[]
  readonly options: LaunchOptions
}

/** Ctrl-C starts no more and leaves those that go on. */
async function verifyChosen(
  cli: CliContext,
  doors: Doors,
  { fleet, chosen, options }: Chosen,
): Promise<{ runs: FleetRun[]; left: readonly LeftOut[]; detached: boolean }> {
  const leave = new AbortController()
  const stopListening = cli.io.onInterrupt(() => leave.abort())
  const left: LeftOut[] = []
  const say = (line: string): void => {
    if (!options.json) cli.lines([line])
  }
  const { signal } = leave
  const purse = purseOf(cli, doors, { fleet, signal })
  try {
    const runs = await verifyInTurns(chosen, {
      copiesAtOnce: fleet.verification?.copiesAtOnce ?? COPIES_AT_ONCE,
      verify: (entry) => runOne(cli, doors, { entry: purse?.limited(entry) ?? entry, signal, mode: 'apply' }),
      onRun: (run) => say(runLine(run)),
      signal,
      purse,
      onLeft: (one) => {
        left.push(one)
        say(leftLine(one))
      },
    })
    return { runs, left, detached: signal.aborted }
  } finally {
    stopListening()
  }
}

/** Null: money is not limited. */
function purseOf(
  cli: CliContext,
  doors: Doors,
  { fleet: { databases, verification = {} }, signal }: { fleet: LoadedFleet; signal: AbortSignal },
): NightPurse | null {
  const { money, restoresPerRun = null } = verification
  if (money === undefined) return null
  return new NightPurse({
    ...{ money, restoresPerRun },
    quote: async (entry) => {
      const planned = await runOne(cli, doors, { entry, signal, mode: 'plan' }).catch(() => null)
      const plan = planned?.status === 'planned' ? await planOf(doors.ledger, planned.id) : null
      // Whatever keeps it from being planned keeps it from costing anything: its run may say so on its own record.
      return plan === null ? { atMostMicros: 0 } : quoteOf(entry, plan)
    },
    look: () => spentTonight(doors.ledger, databases, money),
  })
}

function runLine({ database, operation, status, verdict, failure }: FleetRun): string {
  return failure === null
    ? `${database}: ${verdict ?? status} (${operation})`
    : `${database}: not followed to its end: ${failure}`
}

async function runOne(
  cli: CliContext,
  doors: Doors,
  { entry, signal, mode }: { entry: DatabaseEntry; signal: AbortSignal; mode: 'plan' | 'apply' },
): Promise<OperationDocument> {
  const { requestedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs, temporal: target } = cli.settings
  const { operation } = await startVerifyBackup(doors, {
    bundle: { version: 1, database: entry, migrations: [], verify: { kind: 'by-turns' } },
    ...{ mode, operation: null, withinMs: null, wasDormant: false },
    ...{ requestedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs },
  })
  const temporal = target === null ? null : new TemporalLink(target)
  try {
    const { document } = await waitForOperation({
      ...{ ledger: doors.ledger, temporal, operation, signal, vigilance: cli.vigilance },
      // It asks for none.
      approvalTimeoutMs: 0,
      onChange: () => undefined,
      onNotes: () => undefined,
    })
    return document
  } finally {
    await temporal?.close()
  }
}
