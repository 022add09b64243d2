/** `capstan replicate SOURCE`: makes the standby that the fleet file declares, and has it watched from then on. What there is to do with it later is `capstan standby`. */
import type { Command } from 'commander'
import { failure } from '../../contracts/failures'
import { REBUILD_DOCUMENTS, type RebuildPlan } from '../../contracts/rebuild'
import { REPLICATE_DOCUMENTS, type ReplicatePlan } from '../../contracts/replicate'
import { fleetFileOf } from '../config'
import { chosenBytes } from '../quantities'
import { prepareReplicate, type ReplicateBundle, type ReplicateQuestion, startReplicate } from '../start-replicate'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { example, fleetOption, someText } from './options'
import { rebuildPlanLines } from './render/rebuild'
import { replicationPlanLines } from './render/replication-plan'

export interface StandbyOptions extends LaunchOptions {
  readonly fleet?: string
  readonly to?: string
  readonly table?: string
  readonly rebuild?: boolean
  readonly discard?: string
}

export function addReplicate(program: Command, cli: CliContext): void {
  const command = program
    .command('replicate')
    .summary('make a standby of a database in another cloud, and keep it')
    .description(
      'Looks at source and standby for what would stand in the way, builds the standby’s schema by the source’s migrations, copies the rows, compares both, ' +
        'and has the standby watched from then on: it follows its source by logical replication. The source is read; what is made in it is a publication, a ' +
        'replication slot and three small tables in the schema capstan (beat, marker, lines). --plan makes nothing, and tells what would stand in the way. Ctrl-C stops watching; the operation goes on.',
    )
  addStandbyOptions(command)
    .option(
      '--rebuild',
      'the standby is an old writer, which a failover or a switchover gave up: it is emptied behind its fence, and copied anew',
    )
    .option(
      '--discard <why>',
      'with --rebuild: throw away what the old writer has alone though nobody has looked; somebody else approves it',
      someText,
    )
    .addHelpText(
      'after',
      example(
        'capstan replicate shop --plan',
        'capstan replicate shop --to shop-azure',
        'capstan replicate shop-azure --to shop --rebuild',
      ),
    )
    .action((source: string, options: StandbyOptions) => launchReplicate(cli, source, 'set-up', options))
}

function rebuildOf({ rebuild = false, discard }: StandbyOptions): NonNullable<ReplicateQuestion['rebuild']> | null {
  if (rebuild) return { discard: discard ?? null }
  if (discard === undefined) return null
  const message = '--discard says something of an old writer that is emptied: give --rebuild as well.'
  throw failure('OPTION_INVALID', message, { option: 'discard' })
}

/** The argument and the options of every command about one standby. */
export function addStandbyOptions(command: Command): Command {
  command
    .argument('<source>', 'name of the database in the fleet file that is followed')
    .addOption(fleetOption())
    .option('--to <standby>', 'name of the standby in the fleet file; may be left out where the source declares one', someText)
  return addLaunchOptions(command)
}

export async function launchReplicate(
  cli: CliContext,
  source: string,
  action: ReplicateQuestion['action'],
  options: StandbyOptions,
): Promise<void> {
  const fleetFile = fleetFileOf(cli.settings, options.fleet)
  const rebuild = rebuildOf(options)
  const bundle = await prepareReplicate({
    ...{ fleetFile, source, action },
    ...{ standby: options.to ?? null, table: options.table ?? null },
    ...(rebuild !== null && { rebuild }),
  })
  if (rebuild !== null) return launchRebuild(cli, bundle, options)
  await launch<ReplicatePlan>(cli, options, {
    question: questionOf(bundle),
    start: (doors, request) => startReplicate(doors, { ...request, bundle }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: REPLICATE_DOCUMENTS.plan })) as ReplicatePlan | null,
    planLines: (plan) => replicationPlanLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
  })
}

async function launchRebuild(cli: CliContext, bundle: ReplicateBundle, options: StandbyOptions): Promise<void> {
  const { database, replicate } = bundle
  await launch<RebuildPlan>(cli, options, {
    question: `Throw away all that old writer ${replicate.standby.name} (${replicate.standby.cloud}, instance ${replicate.standby.instance}) holds, and make it a standby of ${database.name} (${database.environment}, instance ${database.instance})?`,
    start: (doors, request) => startReplicate(doors, { ...request, bundle }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: REBUILD_DOCUMENTS.plan })) as RebuildPlan | null,
    planLines: (plan) => rebuildPlanLines(plan, { paint: cli.paint }),
  })
}

function questionOf({ database, replicate }: ReplicateBundle): string {
  const { action, standby, declared, table } = replicate
  const source = `${database.name} (${database.environment}, instance ${database.instance})`
  const follower = `${standby.name} (${standby.cloud}, instance ${standby.instance})`
  switch (action) {
    case 'set-up':
      return `Make ${follower} a standby of ${source}?`
    case 'pause':
      return `Pause standby ${follower}? Its slot holds back the log of ${source} meanwhile, ${chosenBytes(declared.retainedBytesMax)} at most.`
    case 'resume':
      return `Let standby ${follower} follow ${source} again?`
    case 'reseed':
      return `Empty ${table ?? 'every table'} in standby ${follower} and copy it anew from ${source}?`
    case 'remove':
      return `Remove standby ${follower} of ${source}: its subscription, its slot and its publication? The rows that it has stay.`
  }
}
