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
  verifyInTurns,
} from '../verify-fleet'
import { waitForOperation } from '../wait'
import { checkWorkflow } from '../workflow-health'
import type { CliContext } from './context'
import { confirmed, type LaunchOptions } from './launch'
import { verificationReportLines } from './render/verification-report'
import { writeNamedFile } from './write-file'

interface Standing {
  readonly ledger: Ledger
  readonly fleet: LoadedFleet
}

export async function showReport(
  cli: CliContext,
  { ledger, fleet }: Standing,
  options: { readonly json?: boolean; readonly prometheus?: boolean; readonly html?: string },
): Promise<void> {
  const now = Date.now()
  const standings = await reportVerifications(ledger, fleet.databases, now)
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
  if (options.plan) return cli.withLedger(async (ledger) => showChoice(cli, await choice(ledger, fleet, byItsRecord), options))
  temporalOf(cli.settings)
  const { restoresPerRun } = fleet.verification ?? {}
  const most = Math.min(restoresPerRun ?? fleet.databases.length, fleet.databases.length)
  if (!(await confirmed(cli, `Restore copies of up to ${most} databases, prove them and remove them?`, options))) {
    cli.lines(['Nothing was started.'])
    cli.exit = EXIT.stopped
    return
  }
  await cli.withDoors(async (doors) => {
    const chosen = await choice(doors.ledger, fleet, (operation) => isAtWork(doors, operation))
    if (!options.json) showChoice(cli, chosen, options)
    const { runs, left } = await runAll(cli, doors, { fleet, chosen: chosen.chosen, options })
    const standings = await reportVerifications(doors.ledger, fleet.databases, Date.now())
    if (options.json) cli.json({ version: 1, runs, left: chosen.left, databases: standings })
    else cli.lines(['', ...verificationReportLines(standings, cli.paint)])
    const failed = runs.some(({ status, verdict }) => status !== 'succeeded' || verdict !== 'pass')
    cli.exit = left ? EXIT.detached : failed || isAlerting(standings) ? EXIT.finding : EXIT.success
  })
}

type AtWork = (operation: OperationId) => Promise<boolean>

async function choice(ledger: Ledger, { databases, verification }: LoadedFleet, atWork: AtWork): Promise<FleetChoice> {
  return chooseForTheNight(await fleetCandidates(ledger, databases, atWork), verification ?? {})
}

/** A plan asks the ledger alone. */
const byItsRecord: AtWork = async () => true

async function isAtWork({ temporal }: Doors, operation: OperationId): Promise<boolean> {
  const health = await checkWorkflow(temporal, operation, Number.POSITIVE_INFINITY)
  return health.state !== 'closed' || health.status === 'PAUSED'
}

function showChoice(cli: CliContext, { chosen, left }: FleetChoice, { json }: Pick<LaunchOptions, 'json'>): void {
  if (json) {
    cli.json({ version: 1, chosen: chosen.map(({ name }) => name), left })
    return
  }
  const names = chosen.length === 0 ? 'nothing' : chosen.map(({ name }) => name).join(', ')
  cli.lines([`verifies ${names}`, ...left.map(({ database, why }) => `  not ${database}: ${why}`)])
}

/** Ctrl-C starts no more and leaves those that go on. */
async function runAll(
  cli: CliContext,
  doors: Doors,
  { fleet, chosen, options }: { fleet: LoadedFleet; chosen: readonly DatabaseEntry[]; options: LaunchOptions },
): Promise<{ runs: FleetRun[]; left: boolean }> {
  const leave = new AbortController()
  const stopListening = cli.io.onInterrupt(() => leave.abort())
  try {
    const runs = await verifyInTurns(chosen, {
      copiesAtOnce: fleet.verification?.copiesAtOnce ?? COPIES_AT_ONCE,
      verify: (entry) => verifyOne(cli, doors, { entry, signal: leave.signal }),
      onRun: (run) => {
        if (!options.json) cli.lines([runLine(run)])
      },
      signal: leave.signal,
    })
    return { runs, left: leave.signal.aborted }
  } finally {
    stopListening()
  }
}

function runLine({ database, operation, status, verdict, failure }: FleetRun): string {
  return failure === null
    ? `${database}: ${verdict ?? status} (${operation})`
    : `${database}: not followed to its end: ${failure}`
}

async function verifyOne(
  cli: CliContext,
  doors: Doors,
  { entry, signal }: { entry: DatabaseEntry; signal: AbortSignal },
): Promise<OperationDocument> {
  const { requestedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs, temporal: target } = cli.settings
  const { operation } = await startVerifyBackup(doors, {
    bundle: { version: 1, database: entry, migrations: [], verify: { kind: 'by-turns' } },
    ...{ mode: 'apply', operation: null, withinMs: null, wasDormant: false },
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
