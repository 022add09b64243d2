/** `capstan restore DATABASE`, and what becomes of its copy: list, access, keep, remove. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { failure } from '../../contracts/failures'
import { REPLACE_DOCUMENTS, type ReplacePlan } from '../../contracts/replace'
import { RESTORE_DOCUMENTS, type RestorePlan } from '../../contracts/restore'
import { type RestorePoint, shownSnapshot } from '../../contracts/restore-point'
import { fleetFileOf } from '../config'
import { prepareReplace, startReplace } from '../start-replace'
import { prepareRestore, startRestore } from '../start-restore'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { dormantOption, durationMs, example, fleetOption, since, someText } from './options'
import { replacementPlanLines } from './render/replacement'
import { restorePlanLines } from './render/restore'
import { addInPlaceOption, launchInPlace } from './restore-in-place'
import { addRowsOptions, bringRowsBack, rowsAsked } from './restore-rows'
import { addRestoreWhen } from './restore-when'
import { addRestoreAccess, addRestoreKeep, addRestoreList, addRestoreOld, addRestoreRemove } from './restored'

interface CopyOptions extends LaunchOptions {
  readonly fleet?: string
  readonly snapshot?: string
  readonly to?: string
  readonly deleted?: boolean
  readonly region?: string
  readonly keep: number
  readonly wasDormant?: boolean
  readonly rows?: readonly string[]
  readonly schema?: readonly string[]
  readonly where?: string
  readonly fireTriggers?: boolean
  readonly published?: boolean
  readonly inPlace?: boolean
  readonly as: 'copy' | 'replacement'
  readonly oldIsGone?: boolean
  readonly acceptLaterWrites?: boolean
  readonly compareFor: number
  readonly keepOld?: number
}

export function addRestore(program: Command, cli: CliContext): void {
  const group = program
    .command('restore')
    .summary('restore a copy of a database’s instance beside it, and see which there are')
    .description(
      'Copies of a database’s instance, from a snapshot or as it was at a moment. "capstan restore shop --to 2h" is short for ' +
        '"capstan restore copy shop --to 2h"; "capstan restore copy --help" has the options. With --rows what was lost comes back out of it.',
    )
    .addHelpText('after', example('capstan restore shop --to 5m --keep 2h', 'capstan restore list'))
  addCopy(group, cli)
  for (const add of [addRestoreList, addRestoreAccess, addRestoreKeep, addRestoreRemove, addRestoreOld, addRestoreWhen])
    add(group, cli)
}

function addCopy(group: Command, cli: CliContext): void {
  const command = group
    .command('copy', { isDefault: true })
    .summary('restore one, check it, and keep it for a time; or bring rows back out of it (--rows)')
    .description(
      'Restores a snapshot, or a moment, of the whole instance as a copy beside it that cannot act on the outside, checks it, and removes it once its ' +
        'time is over. The instance is not touched. With --region that is done in another region, out of a copy that is there, also where the first one is gone. With --rows or --schema it does something else: rows that the copy has and the database lacks come back ' +
        'into it, by key, once somebody has approved which, and the copy is removed. With --as replacement the copy takes the instance’s place instead, once ' +
        'somebody approved what is lost by it. With --in-place the instance itself is overwritten with a snapshot, where its cloud can. Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<database>', 'name in the fleet file')
    .addOption(fleetOption())
    .addOption(new Option('--snapshot <name>', 'what "capstan snapshot list" shows').argParser(someText).conflicts('to'))
    .option('--to <time>', 'the moment: a time ago such as 90m, or an instant in UTC such as 2026-11-23T03:00Z', since)
    .option('--deleted', 'the snapshot is of an instance that this database had before, which is gone or was replaced')
    .option(
      '--region <region>',
      'the snapshot is a copy in that region of policy.snapshotCopies, and is restored there; nothing is asked of the database’s own region',
      someText,
    )
    .addOption(
      new Option('--keep <time>', 'how long it is kept once it is there; with --in-place the fresh backup, 7d unless it is given')
        .argParser(keepHours)
        .default(24, '24h'),
    )
    .addOption(dormantOption())
  addRowsOptions(command)
  addInPlaceOption(command)
  addReplacementOptions(command)
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example(
        'capstan restore shop --to 5m --plan',
        'capstan restore shop --to 5m --keep 2h',
        'capstan restore shop --snapshot NAME --region eu-west-1 --plan',
        'capstan restore shop --to 5m --rows public.orders --rows public.order_lines',
        'capstan restore shop --to 5m --as replacement --plan',
        'capstan restore shop --snapshot NAME --in-place --plan',
      ),
    )
    .action(async (database: string, options: CopyOptions) => {
      if (options.inPlace) {
        return launchInPlace(cli, command, { fleetFile: fleetFileOf(cli.settings, options.fleet), database, options })
      }
      const point = pointOf(options)
      assertOfItsKind(command, options)
      if (options.as === 'replacement') return launchReplacement(cli, database, point, options)
      const fleetFile = fleetFileOf(cli.settings, options.fleet)
      const rows = rowsAsked(options)
      if (rows !== null) {
        refuseBeside(command)
        return bringRowsBack(cli, options, { fleetFile, database, point, ...rows })
      }
      const asked = { point, keepHours: options.keep, wasDormant: options.wasDormant === true }
      const bundle = await prepareRestore({ fleetFile, database, ...asked })
      const { name, environment, instance } = bundle.database
      await launch<RestorePlan>(cli, options, {
        question: `Restore ${shownPoint(point)} of ${name} (${environment}, instance ${instance}) as a copy and keep it ${options.keep} h?`,
        start: (doors, request) => startRestore(doors, { ...request, bundle }),
        planOf: async (ledger, operation) =>
          (await ledger.getDocument({ operation, name: RESTORE_DOCUMENTS.plan })) as RestorePlan | null,
        planLines: (plan) => restorePlanLines(plan, bundle.database, cli.paint),
      })
    })
}

function addReplacementOptions(command: Command): void {
  command
    .addOption(
      new Option('--as <what>', 'a copy beside the instance, or what takes its place')
        .choices(['copy', 'replacement'])
        .default('copy'),
    )
    .option(
      '--old-is-gone',
      'of a replacement: you know that the instance is down for good and that nobody writes into it, so that it need not be fenced',
    )
    .option(
      '--accept-later-writes',
      'of a replacement: tables and databases that come to be after the report that was approved may be lost as well; rows of the others are in any case',
    )
    .addOption(
      new Option('--compare-for <time>', 'of a replacement: how long rows are compared at most; after that they are only counted')
        .argParser(durationMs)
        .default(3_600_000, '1h'),
    )
    .addOption(
      new Option(
        '--keep-old <time>',
        'of a replacement: how long the old instance is kept, closed, before "capstan restore list" says that it may go; nothing removes it',
      ).argParser(keepHours),
    )
}

/** Options of the one that the other would not hear. */
function assertOfItsKind(command: Command, { as }: CopyOptions): void {
  const ofRows = ['rows', 'schema', 'where', 'fireTriggers', 'published']
  const unheard =
    as === 'replacement' ? ['keep', 'deleted', 'region', ...ofRows] : ['oldIsGone', 'acceptLaterWrites', 'compareFor', 'keepOld']
  const given = unheard.find((name) => command.getOptionValueSource(name) === 'cli')
  if (given === undefined) return
  const option = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw failure('OPTION_INVALID', whyUnheard(as, option), { option })
}

function whyUnheard(as: CopyOptions['as'], option: string): string {
  if (as === 'copy') return `--${option} is of a replacement: say --as replacement, or leave it out.`
  if (option === 'deleted') return 'An instance that is gone has no place to take: restore a copy of it without --as replacement.'
  if (option === 'region')
    return 'What takes the instance’s place is set up, compared and led to in the instance’s own region: restore a copy in the other one, without --as replacement.'
  if (option === 'keep') return '--keep is of a copy that goes again; what takes the instance’s place stays: leave it out.'
  return `--${option} is of rows that come back into the instance as it is; a replacement brings all of them: leave one of both out.`
}

async function launchReplacement(cli: CliContext, database: string, point: RestorePoint, options: CopyOptions): Promise<void> {
  const { wasDormant = false, oldIsGone = false, acceptLaterWrites = false, compareFor: compareMs, keepOld } = options
  if (oldIsGone && keepOld !== undefined) {
    const message = '--keep-old is of an instance that is closed first; one that is gone cannot be: leave one of both out.'
    throw failure('OPTION_INVALID', message, { option: 'keep-old' })
  }
  const fleetFile = fleetFileOf(cli.settings, options.fleet)
  const asked = { point, wasDormant, oldIsGone, acceptLaterWrites, compareMs, keepOldHours: keepOld ?? null }
  const bundle = await prepareReplace({ fleetFile, database, ...asked })
  const { name, environment, instance } = bundle.database
  await launch<ReplacePlan>(cli, options, {
    question: `Restore ${shownPoint(point)} of ${name} (${environment}) and let it take the place of instance ${instance}, once that is approved?`,
    start: (doors, request) => startReplace(doors, { ...request, bundle }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.plan })) as ReplacePlan | null,
    planLines: (plan) => replacementPlanLines(plan, bundle.database, cli.paint),
  })
}

function shownPoint(point: RestorePoint): string {
  return point.kind === 'snapshot' ? shownSnapshot(point) : `the moment ${point.at}`
}

function pointOf(options: CopyOptions): RestorePoint {
  const { snapshot, to, deleted, region } = options
  if (region !== undefined) return pointIn(region, options)
  if (snapshot !== undefined) return { kind: 'snapshot', snapshot, ...(deleted && { deleted }) }
  if (deleted) {
    const message = 'Of an instance that is gone only a snapshot can be restored: name it with --snapshot beside --deleted.'
    throw failure('OPTION_INVALID', message, { option: 'deleted' })
  }
  if (to !== undefined) return { kind: 'moment', at: to }
  throw failure('OPTION_INVALID', 'What to restore is missing: name a snapshot with --snapshot, or a moment with --to.', {
    option: 'to',
  })
}

/** Nothing is asked of the instance there, so that it does not matter whether it is still there. */
function pointIn(region: string, { snapshot, deleted }: Pick<CopyOptions, 'snapshot' | 'deleted'>): RestorePoint {
  if (snapshot !== undefined && !deleted) return { kind: 'snapshot', snapshot, region }
  const message = deleted
    ? '--deleted says nothing of a copy in another region, for which the instance is not asked: leave it out.'
    : 'In another region only a copy of a snapshot can be restored, since the log of moments is in the instance’s own: name it with --snapshot beside --region.'
  throw failure('OPTION_INVALID', message, { option: deleted ? 'deleted' : 'region' })
}

function refuseBeside(command: Command): void {
  if (command.getOptionValueSource('region') !== undefined) {
    const message =
      '--region is given with --rows or --schema, which compare the instance with its own past beside it: leave one of both out.'
    throw failure('OPTION_INVALID', message, { option: 'region' })
  }
  if (command.getOptionValueSource('deleted') !== undefined) {
    const message =
      '--deleted is given with --rows or --schema, which compare the instance that there is with its own past: leave one of both out.'
    throw failure('OPTION_INVALID', message, { option: 'deleted' })
  }
  if (command.getOptionValueSource('keep') === 'default') return
  const message = '--keep is given with --rows or --schema, where the copy is removed as soon as the rows are back: leave it out.'
  throw failure('OPTION_INVALID', message, { option: 'keep' })
}

const HOUR_MS = 3_600_000
const KEEP_HOURS_MAX = 24 * 90

function keepHours(text: string): number {
  const hours = durationMs(text) / HOUR_MS
  if (Number.isInteger(hours) && hours >= 1 && hours <= KEEP_HOURS_MAX) return hours
  throw new InvalidArgumentError('It must be whole hours, from 1h to 90d.')
}
