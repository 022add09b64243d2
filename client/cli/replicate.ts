/** `capstan replicate SOURCE`: makes the standby that the fleet file declares, and has it watched from then on. What there is to do with it later is `capstan standby`. */
import type { Command } from 'commander'
import { REPLICATE_DOCUMENTS, type ReplicatePlan } from '../../contracts/replicate'
import { fleetFileOf } from '../config'
import { chosenBytes } from '../quantities'
import { prepareReplicate, type ReplicateBundle, type ReplicateQuestion, startReplicate } from '../start-replicate'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { example, fleetOption, someText } from './options'
import { replicationPlanLines } from './render/replication-plan'

export interface StandbyOptions extends LaunchOptions {
  readonly fleet?: string
  readonly to?: string
  readonly table?: string
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
    .addHelpText('after', example('capstan replicate shop --plan', 'capstan replicate shop --to shop-azure'))
    .action((source: string, options: StandbyOptions) => launchReplicate(cli, source, 'set-up', options))
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
  const bundle = await prepareReplicate({
    ...{ fleetFile, source, action },
    ...{ standby: options.to ?? null, table: options.table ?? null },
  })
  await launch<ReplicatePlan>(cli, options, {
    question: questionOf(bundle),
    start: (doors, request) => startReplicate(doors, { ...request, bundle }),
    planOf: async (ledger, operation) =>
      (await ledger.getDocument({ operation, name: REPLICATE_DOCUMENTS.plan })) as ReplicatePlan | null,
    planLines: (plan) => replicationPlanLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
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
