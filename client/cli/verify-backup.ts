/** `capstan verify-backup DATABASE`: restores a backup, proves its content, removes the copy. `--all --report`: what was proven of the fleet. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { failure } from '../../contracts/failures'
import { VERIFY_BACKUP_DOCUMENTS, type VerificationPlan, type WantedPoint } from '../../contracts/verify-backup'
import { fleetFileOf } from '../config'
import { readFleet } from '../fleet/read-fleet'
import { shownInput } from '../shown-input'
import { prepareVerifyBackup, startVerifyBackup } from '../start-verify-backup'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { dormantOption, durationMs, example, fleetOption, someText } from './options'
import { shownPoint, verificationPlanLines } from './render/verification-plan'
import { showReport, verifyFleet } from './verify-fleet'

interface VerifyBackupOptions extends LaunchOptions {
  readonly fleet?: string
  readonly snapshot?: string
  readonly region?: string
  readonly at?: Extract<WantedPoint, { kind: 'moment' | 'now' }>
  readonly random?: boolean
  readonly byTurns?: boolean
  readonly within?: number
  readonly wasDormant?: boolean
  readonly all?: boolean
  readonly report?: boolean
  readonly prometheus?: boolean
  readonly html?: string
}

export function addVerifyBackup(program: Command, cli: CliContext): void {
  const command = program
    .command('verify-backup')
    .summary('restore a backup, prove what is in it, and remove the copy')
    .description(
      'Restores a backup as an inert copy, holds it against the proof ladder (exists, answers, reached its moment, intact, content as ' +
        'it was, usable), measures RPO and RTO against the objectives of the fleet file, and removes the copy whatever happened. ' +
        'Without an option it takes the newest snapshot. Exit 1 when the backup is not proven. Ctrl-C stops watching; the operation goes on.',
    )
    .argument('[database]', 'name in the fleet file')
    .addOption(fleetOption())
    .addOption(new Option('--snapshot <name>', 'the snapshot of that name').conflicts(['at', 'random', 'all']))
    .addOption(
      new Option(
        '--region <region>',
        'the snapshot is a copy in that region of policy.snapshotCopies, and is restored and proven there; nothing is asked of the database’s own region',
      )
        .argParser(someText)
        .conflicts(['at', 'random', 'byTurns', 'all']),
    )
    .addOption(
      new Option('--at <moment>', 'a moment in UTC, such as 2026-11-23T03:00:00Z, or now: one between two heartbeats of its own')
        .argParser(moment)
        .conflicts(['random', 'all']),
    )
    .addOption(new Option('--random', 'any moment that can be restored').conflicts('all'))
    .addOption(
      new Option(
        '--by-turns',
        'as a schedule does: the newest snapshot after a moment, and a moment after a snapshot, between heartbeats for later ones',
      ).conflicts(['snapshot', 'at', 'random', 'all']),
    )
    .addOption(
      new Option(
        '--within <time>',
        'give up after this time and remove the copy (default: verification.maxHours, else 6h; verification.maxCost may pay for less)',
      ).argParser(limit),
    )
    .addOption(dormantOption())
    .addOption(
      new Option(
        '--all',
        'the whole fleet, whatever was verified longest ago first, within the budget of the fleet file, in restores and in money; the report follows',
      ).conflicts(['operation', 'events', 'within', 'wasDormant']),
    )
    .option('--report', 'with --all: only what was proven, and when; starts nothing, exit 1 when somebody has to hear of it')
    .addOption(new Option('--prometheus', 'with --report: as metrics, in the text format of Prometheus').conflicts('json'))
    .option('--html <file>', 'with --report: write it there as one self-contained page too, with the last runs of each database')
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example(
        'capstan verify-backup shop --at now --plan',
        'capstan verify-backup shop --at now',
        'capstan verify-backup shop --snapshot NAME --region eu-west-1',
        'capstan verify-backup --all --yes',
        'capstan verify-backup --all --report',
        'capstan verify-backup --all --report --prometheus',
        'capstan verify-backup --all --report --html backups.html',
      ),
    )
    .action(async (database: string | undefined, options: VerifyBackupOptions) => {
      if (options.all || options.report || options.prometheus || options.html !== undefined)
        await ofTheFleet(cli, database, options)
      else await verify(cli, database, options)
    })
}

async function verify(cli: CliContext, database: string | undefined, options: VerifyBackupOptions): Promise<void> {
  if (database === undefined) {
    const message = 'No database was named; name one of the fleet file, or ask for the report of all (--all --report).'
    throw failure('OPTION_INVALID', message, { option: 'database' })
  }
  const wanted = wantedOf(options)
  const bundle = await prepareVerifyBackup({ fleetFile: fleetFileOf(cli.settings, options.fleet), database, wanted })
  const { name, environment, instance } = bundle.database
  await launch<VerificationPlan>(cli, options, {
    question: `Restore a copy of ${name} (${environment}, instance ${instance}) from ${shownWanted(wanted)}, prove it and remove it?`,
    start: (doors, request) =>
      startVerifyBackup(doors, { ...request, bundle, withinMs: options.within ?? null, wasDormant: options.wasDormant === true }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.plan })) as VerificationPlan | null,
    planLines: (plan) => verificationPlanLines(plan, bundle.database, cli.paint),
  })
}

function wantedOf({ snapshot, region, at, random, byTurns }: VerifyBackupOptions): WantedPoint {
  if (region !== undefined) {
    if (snapshot !== undefined) return { kind: 'snapshot', snapshot, region }
    const message = 'Which copy in that region is missing: name it with --snapshot; "capstan snapshot list" shows them.'
    throw failure('OPTION_INVALID', message, { option: 'region' })
  }
  if (snapshot !== undefined) return { kind: 'snapshot', snapshot }
  if (at !== undefined) return at
  if (byTurns) return { kind: 'by-turns' }
  return { kind: random ? 'random' : 'newest' }
}

function shownWanted(wanted: WantedPoint): string {
  switch (wanted.kind) {
    case 'newest':
      return 'its newest snapshot'
    case 'random':
      return 'a random moment'
    case 'by-turns':
      return 'its newest snapshot or a moment, whose turn it is'
    case 'snapshot':
      return shownPoint({ ...wanted, createdAt: null })
    case 'moment':
    case 'now':
      return shownPoint(wanted)
  }
}

async function ofTheFleet(cli: CliContext, database: string | undefined, options: VerifyBackupOptions): Promise<void> {
  if (database !== undefined) {
    const option = options.all ? 'all' : options.report ? 'report' : options.prometheus ? 'prometheus' : 'html'
    const message = `${shownInput(database)} and --${option} are both given; leave one of them out.`
    throw failure('OPTION_INVALID', message, { option })
  }
  if (!options.all) {
    const message = 'The report is of the whole fleet: give --all and --report together, or name a database.'
    throw failure('OPTION_INVALID', message, { option: 'all' })
  }
  if (options.prometheus && !options.report) {
    const message = 'Metrics are those of the report: give --report with --prometheus.'
    throw failure('OPTION_INVALID', message, { option: 'report' })
  }
  if (options.html !== undefined && !options.report) {
    const message = 'The page is that of the report: give --report with --html.'
    throw failure('OPTION_INVALID', message, { option: 'report' })
  }
  if (!options.wait) {
    const message = 'One is verified after the other, and somebody has to wait for each: leave --no-wait out.'
    throw failure('OPTION_INVALID', message, { option: 'no-wait' })
  }
  if (options.report && options.plan) {
    const message = 'The report starts nothing: leave --report out, or --plan.'
    throw failure('OPTION_INVALID', message, { option: 'plan' })
  }
  const fleet = await readFleet(fleetFileOf(cli.settings, options.fleet))
  if (options.report) await cli.withLedger((ledger) => showReport(cli, { ledger, fleet }, options))
  else await verifyFleet(cli, fleet, options)
}

/** Whole seconds: every cloud takes them. */
function moment(text: string): Extract<WantedPoint, { kind: 'moment' | 'now' }> {
  if (text === 'now') return { kind: 'now' }
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z$/.test(text) ? Date.parse(text) : Number.NaN
  // The thirtieth of February would be the second of March.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(text.slice(0, 16))) {
    throw new InvalidArgumentError('It must be an instant in UTC with whole seconds, such as 2026-11-23T03:00:00Z, or now.')
  }
  return { kind: 'moment', at: new Date(at).toISOString() }
}

const WITHIN_MS_MAX = 7 * 24 * 3_600_000

function limit(text: string): number {
  const ms = durationMs(text)
  if (ms >= 1_000 && ms <= WITHIN_MS_MAX) return Math.round(ms)
  throw new InvalidArgumentError('It must be from 1s to 7d.')
}
