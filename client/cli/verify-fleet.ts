/** `capstan verify-backup --all`: the fleet's verifications, in turns and within its budget, and the report of what is proven by now. */
import type { DatabaseEntry } from '../../contracts/fleet'
import type { OperationDocument, OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { listVerificationRuns } from '../../ledger/verifications'
import { temporalOf } from '../config'
import type { Doors } from '../decide'
import { type FleetDatabase, fleetPage } from '../evidence/fleet-page'
import { HISTORY_RUNS_MAX } from '../evidence/history'
import { EXIT } from '../exit-codes'
import type { LoadedFleet } from '../fleet/read-fleet'
import { NightPurse } from '../night-money'
import { planOf, quoteFromLedger, quoteOf } from '../night-quote'
import { newOperationId } from '../operation-id'
import { startVerifyBackup } from '../start-verify-backup'
import { TemporalLink } from '../temporal-link'
import { verificationMetrics } from '../verification-metrics'
import { reportVerifications, type VerificationStanding } from '../verification-report'
import { COPIES_AT_ONCE, chooseForTheNight, type FleetRun, fleetCandidates, type LeftOut, verifyInTurns } from '../verify-fleet'
import { waitForOperation } from '../wait'
import { checkWorkflow } from '../workflow-health'
import type { CliContext } from './context'
import { leftLine, type Standing, showOrder, showPlan, showSpent, spentTonight } from './fleet-plan'
import { confirmed, type LaunchOptions } from './launch'
import { verificationReportLines } from './render/verification-report'
import { writeNamedFile } from './write-file'

export async function showReport(
  cli: CliContext,
  { ledger, fleet }: Standing,
  options: { readonly json?: boolean; readonly prometheus?: boolean; readonly html?: string },
): Promise<void> {
  const now = Date.now()
  const standings = await reportVerifications(ledger, fleet, now)
  if (options.html !== undefined) await writePage(options.html, { ledger, standings, now })
  if (options.json) cli.json({ version: 1, databases: standings })
  else if (options.prometheus) cli.lines(verificationMetrics(standings, now))
  else cli.lines([...verificationReportLines(standings, cli.paint), ...writtenLines(options.html)])
  if (isAlerting(standings)) cli.exit = EXIT.finding
}

function writtenLines(file: string | undefined): string[] {
  return file === undefined ? [] : ['', `${file}: the same as a page`]
}

async function writePage(
  file: string,
  { ledger, standings, now }: { ledger: Ledger; standings: readonly VerificationStanding[]; now: number },
): Promise<void> {
  const databases: FleetDatabase[] = []
  for (const standing of standings) {
    const { database } = standing
    databases.push({ standing, runs: await listVerificationRuns(ledger, { database, upTo: null, limit: HISTORY_RUNS_MAX }) })
  }
  await writeNamedFile('--html', file, fleetPage(databases, new Date(now).toISOString()))
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
    if (!options.json) showOrder(cli, chosen, fleet.verification?.money)
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
      verify: (entry) => {
        const operation = newOperationId('verify-backup', entry.name)
        purse?.begins(entry, operation)
        return runOne(cli, doors, { entry: purse?.limited(entry) ?? entry, operation, signal, mode: 'apply' })
      },
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
      try {
        const { id, status, failure } = await runOne(cli, doors, { entry, operation: null, signal, mode: 'plan' })
        const plan = status === 'planned' ? await planOf(doors.ledger, id) : null
        if (plan !== null) return quoteOf(entry, plan)
        return { unplanned: `${id} is ${status}${failure === null ? '' : `, ${failure.code}: ${failure.message}`}` }
      } catch (error) {
        return { unplanned: error instanceof Error ? error.message : String(error) }
      }
    },
    lastQuote: (entry) => quoteFromLedger(doors.ledger, entry),
    look: () => spentTonight(doors.ledger, databases, money),
  })
}

function runLine({ database, operation, status, verdict, failure }: FleetRun): string {
  return failure === null
    ? `${database}: ${verdict ?? status} (${operation})`
    : `${database}: not followed to its end: ${failure}`
}

interface Running {
  readonly entry: DatabaseEntry
  /** Null: any. */
  readonly operation: OperationId | null
  readonly signal: AbortSignal
  readonly mode: 'plan' | 'apply'
}

async function runOne(
  cli: CliContext,
  doors: Doors,
  { entry, operation: named, signal, mode }: Running,
): Promise<OperationDocument> {
  const { requestedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs, temporal: target } = cli.settings
  const { operation } = await startVerifyBackup(doors, {
    bundle: { version: 1, database: entry, migrations: [], verify: { kind: 'by-turns' } },
    ...{ mode, operation: named, withinMs: null, wasDormant: false },
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
