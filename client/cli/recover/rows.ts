/** `capstan recover rows`: brings rows that were lost back out of a copy into the live database. */
import type { Command } from 'commander'
import { failure } from '../../../contracts/failures'
import { connect } from '../../../postgres/connect/session'
import { applyRowRecovery } from '../../../postgres/row-recovery/apply'
import { planRowRecovery, type RecoveryDoors, recallPlan } from '../../../postgres/row-recovery/plan'
import type { RecoveryProgress, RowRecoveryPlan } from '../../../postgres/row-recovery/recovered'
import { EXIT } from '../../exit-codes'
import { counted, grouped } from '../../quantities'
import type { CliContext } from '../context'
import { example, jsonOption, planDigest } from '../options'
import { LiveLines } from '../render/live'
import { cutTo, oneLine } from '../render/quoted'
import { recoveredLines, recoveryPlanLines } from '../render/recovery'
import { endpointOf, several, shownEndpoint } from '../two-databases'

interface RowsOptions {
  readonly from: string
  readonly into: string
  readonly table: readonly string[]
  readonly schema: readonly string[]
  readonly exclude: readonly string[]
  readonly where?: string
  readonly fireTriggers?: boolean
  readonly published?: boolean
  readonly plan?: boolean
  readonly digest?: string
  readonly yes?: boolean
  readonly json?: boolean
}

export function addRecoverRows(recover: Command, cli: CliContext): void {
  recover
    .command('rows')
    .summary('bring rows that were deleted back into the live database')
    .description(
      'Finds rows that the copy has and the live database lacks, by key, and inserts them: no row that is there is touched. The plan comes first, with counts and a ' +
        'digest; what is written is exactly the plan’s, or nothing. Cut off, the same with --digest goes on. Exit 1 when a row could not be brought back.',
    )
    .requiredOption('--from <url>', 'the copy, as postgres://user@host:port/database; its password belongs into PGPASSWORD')
    .requiredOption('--into <url>', 'the live database; its password is CAPSTAN_TARGET_PASSWORD, or that of the copy')
    .option('--table <name>', 'a table whose rows come back, as schema.table; may be repeated', several, [])
    .option('--schema <name>', 'all tables that the copy has in this schema; may be repeated', several, [])
    .option('--exclude <name>', 'leave this table out; may be repeated', several, [])
    .option('--where <sql>', 'only rows of the copy for which this is true; with one table')
    .option('--fire-triggers', 'triggers of the live tables may run for what comes back')
    .option(
      '--published',
      'a publication of all tables may carry the staged rows on: subscribers have these tables, or there are none',
    )
    .option('--plan', 'show what would come back and change nothing')
    .option('--digest <digest>', 'carry out this plan, and no other', planDigest)
    .option('--yes', 'carry out whatever the plan says, without asking')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan recover rows --from postgres://migrator@copy/shop --into postgres://migrator@live/shop --table orders --plan',
        `capstan recover rows --from postgres://migrator@copy/shop --into postgres://migrator@live/shop --table orders --where "status = 'placed'" --yes`,
      ),
    )
    .action(async (options: RowsOptions) => rows(cli, options))
}

async function rows(cli: CliContext, options: RowsOptions): Promise<void> {
  refuseNoTable(options)
  const { databasePassword, targetPassword } = cli.settings
  const copy = endpointOf('from', options.from, databasePassword, 'capstan recover')
  const live = endpointOf('into', options.into, targetPassword ?? databasePassword, 'capstan recover')
  refuseUnasked(cli, options)
  const leave = new AbortController()
  const stopListening = cli.io.onInterrupt(() => leave.abort(INTERRUPTED))
  const shown = progressOf(cli)
  const doors: RecoveryDoors = {
    copy: () => connect(copy),
    live: () => connect(live),
    onProgress: shown.hear,
    signal: leave.signal,
  }
  try {
    const { where = null, fireTriggers = false, table, schema, exclude } = options
    const selection = { tables: table, schemas: schema, exclude }
    const asked = { ...doors, selection, where, fireTriggers }
    const begun = options.digest === undefined || options.plan ? null : await recallPlan(asked, options.digest)
    const plan = begun?.plan ?? (await planRowRecovery(asked))
    shown.clear()
    refuseAnother(plan, options)
    const between = { copy: shownEndpoint(copy), live: shownEndpoint(live) }
    if (!options.json) cli.lines(recoveryPlanLines(plan, between, cli))
    refuseUnnamed(plan, options)
    if (options.plan || !(await confirmed(cli, plan, options))) {
      if (options.json) cli.json({ version: 1, ...between, plan, result: null })
      return
    }
    const carriedOut = begun?.result ?? null
    if (carriedOut !== null && !options.json)
      cli.lines(['It was carried out before, and nothing is written now. What came of it then:'])
    const result = carriedOut ?? (await applyRowRecovery({ ...doors, plan, published: options.published === true }))
    shown.clear()
    const missed = result.tables.some(({ outcomes }) => outcomes.refused + outcomes.orphan > 0)
    cli.exit = missed ? EXIT.finding : EXIT.success
    if (options.json) cli.json({ version: 1, ...between, plan, result })
    else cli.lines(recoveredLines(result, cli))
  } finally {
    shown.stop()
    stopListening()
  }
}

const INTERRUPTED = failure(
  'OPERATION_ABORTED',
  'Interrupted. What came back before stays; the same command says how it goes on.',
)

function refuseNoTable({ table, schema }: RowsOptions): void {
  if (table.length + schema.length > 0) return
  throw failure('OPTION_INVALID', 'No table is named: give --table schema.table, or --schema for all tables of one.', {
    option: 'table',
  })
}

/** Nobody can be asked: then it has to have been said. */
function refuseUnasked({ io }: CliContext, { plan, yes, digest, json }: RowsOptions): void {
  if (plan || yes || digest !== undefined || (io.interactive && !json)) return
  throw failure(
    'OPTION_INVALID',
    'Nobody can be asked here whether these rows shall come back: look with --plan, then give --digest with the plan’s, or --yes.',
    { option: 'yes' },
  )
}

function refuseAnother(plan: RowRecoveryPlan, { digest }: RowsOptions): void {
  if (digest === undefined || digest === plan.digest) return
  const missing = plan.tables.reduce((sum, table) => sum + table.rows, 0)
  throw failure(
    'PLAN_DRIFTED',
    `The plan is ${plan.digest} by now, with ${counted(missing, 'row')} missing, and --digest names another: nothing was changed; look with --plan.`,
    { digest, found: plan.digest },
  )
}

/** What --yes and a nod mean is what the copy lacks now. Rows that were staged may be another copy's, and those that are missing again after the same
 *  was done may have been deleted since, with reason. */
function refuseUnnamed({ digest, underWay, repeats, request, tables }: RowRecoveryPlan, options: RowsOptions): void {
  if (options.plan || options.digest !== undefined) return
  if (underWay) {
    throw failure(
      'ROW_RECOVERY_UNDER_WAY',
      `Of ${request.tables.join(', ')} the rows of an earlier run are staged, which was cut off; those of --from are not looked at. Give --digest ${digest}, and it goes on.`,
      { table: request.tables[0] ?? '', digest },
    )
  }
  const missing = tables.reduce((sum, table) => sum + table.rows, 0)
  if (!options.yes || !repeats || missing === 0) return
  throw failure(
    'OPTION_INVALID',
    `The same was asked and carried out before, and ${counted(missing, 'row')} would come back that may have been deleted since: --yes is not enough for that. Look with --plan, then give --digest ${digest}.`,
    { option: 'yes', digest },
  )
}

async function confirmed(cli: CliContext, plan: RowRecoveryPlan, { yes, digest }: RowsOptions): Promise<boolean> {
  if (yes || digest !== undefined) return true
  const missing = plan.tables.reduce((sum, table) => sum + table.rows, 0)
  if (missing === 0) return false
  const answer = await cli.io.ask(`Bring ${counted(missing, 'row')} back into ${oneLine(plan.live.database)}? [y/N] `)
  if (/^y(es)?$/i.test(answer.trim())) return true
  cli.lines(['Nothing was changed.'])
  cli.exit = EXIT.stopped
  return false
}

/** One line at the foot of the terminal, where there is one. */
function progressOf({ io }: CliContext) {
  let now: RecoveryProgress | null = null
  const line = () => {
    if (now === null) return []
    return [cutTo(`  ${now.phase} · ${now.table} · ${grouped(now.rows)} rows`, Math.max(1, io.progress.columns() - 1))]
  }
  const lines = io.progress.live ? new LiveLines({ out: (text) => io.err(text), rows: () => io.progress.rows() }, line) : null
  const clear = () => {
    now = null
    lines?.stop()
  }
  return {
    hear: (progress: RecoveryProgress) => {
      now = progress
      lines?.start()
    },
    clear,
    stop: clear,
  }
}
