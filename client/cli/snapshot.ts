/** `capstan snapshot DATABASE` and `capstan snapshot list DATABASE`. */
import { type Command, InvalidArgumentError } from 'commander'
import { type RetentionPolicy, shownRetention } from '../../contracts/generations'
import { SNAPSHOT_DOCUMENTS, type SnapshotPlan } from '../../contracts/snapshot'
import { fleetFileOf } from '../config'
import { parseGenerations } from '../fleet/generations'
import { listSnapshots } from '../list-snapshots'
import { prepareSnapshot, startSnapshot } from '../start-snapshot'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { durationMs, example, fleetOption, jsonOption } from './options'
import { snapshotListLines, snapshotPlanLines } from './render/snapshots'

interface TakeOptions extends LaunchOptions {
  readonly fleet?: string
  readonly retention?: RetentionPolicy
}

export function addSnapshot(program: Command, cli: CliContext): void {
  const group = program
    .command('snapshot')
    .summary('take a snapshot that is kept for a time, and see which there are')
    .description(
      'Snapshots of a database’s instance. "capstan snapshot shop" is short for "capstan snapshot take shop"; ' +
        '"capstan snapshot take --help" has the options.',
    )
    .addHelpText('after', example('capstan snapshot shop --retention 7d', 'capstan snapshot list shop'))
  addTake(group, cli)
  addList(group, cli)
}

function addTake(group: Command, cli: CliContext): void {
  const command = group
    .command('take', { isDefault: true })
    .summary('take one, and remove what has outlived its retention')
    .description(
      'Takes a snapshot of the whole instance, makes sure of it, copies it to the regions of the policy’s snapshotCopies, and then removes the ' +
        'snapshots of the same instance that Capstan took and whose retention is over. In each region the newest good one and the newest ' +
        'proven one stay, and so does whatever somebody else took. ' +
        'Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<database>', 'name in the fleet file')
    .addOption(fleetOption())
    .option(
      '--retention <time>',
      'how long it is kept: 12h, 7d, or generations such as daily=7,weekly=4,monthly=12,yearly=2 (default: the policy’s snapshotRetention)',
      retentionOption,
    )
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example('capstan snapshot shop --plan', 'capstan snapshot shop --retention daily=7,weekly=4,monthly=12 --yes'),
    )
    .action(async (database: string, options: TakeOptions) => {
      const bundle = await prepareSnapshot({
        fleetFile: fleetFileOf(cli.settings, options.fleet),
        database,
        retention: options.retention ?? null,
      })
      const { name, environment, instance, policy } = bundle.database
      await launch<SnapshotPlan>(cli, options, {
        question: `Take a snapshot of ${name} (${environment}, instance ${instance}) and keep it ${shownRetention(policy)}?`,
        start: (doors, request) => startSnapshot(doors, { ...request, bundle }),
        planOf: async (ledger, operation) =>
          (await ledger.getDocument({ operation, name: SNAPSHOT_DOCUMENTS.plan })) as SnapshotPlan | null,
        planLines: (plan) => snapshotPlanLines(plan, bundle.database, cli.paint),
      })
    })
}

function addList(group: Command, cli: CliContext): void {
  group
    .command('list')
    .summary('which there are, whose they are, and why they stay')
    .description(
      'Every snapshot of the database’s instance that somebody asked for, newest first; then the copies in other regions, also where its own cannot be asked. Changes nothing.',
    )
    .argument('<database>', 'name in the fleet file')
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan snapshot list shop'))
    .action(async (database: string, options: { fleet?: string; json?: boolean }) => {
      const fleetFile = fleetFileOf(cli.settings, options.fleet)
      const bundle = await prepareSnapshot({ fleetFile, database, retention: null })
      const { heartbeatTimeoutMs } = cli.settings
      const list = await cli.withDoors((doors) => listSnapshots(doors, { bundle, heartbeatTimeoutMs }))
      if (options.json) cli.json(list)
      else cli.lines(snapshotListLines(list, { paint: cli.paint, now: Date.now() }))
    })
}

const HOUR_MS = 3_600_000
/** As in the fleet file. */
const RETENTION_HOURS_MAX = 24 * 3_650

function retentionOption(text: string): RetentionPolicy {
  if (text.includes('=')) return generationsOption(text)
  const hours = durationMs(text) / HOUR_MS
  if (Number.isInteger(hours) && hours >= 1 && hours <= RETENTION_HOURS_MAX) return { snapshotRetentionHours: hours }
  throw new InvalidArgumentError('It must be whole hours, from 1h to 3650d.')
}

/** As in the fleet file, in one word: `daily=7,weekly=4`. */
function generationsOption(text: string): RetentionPolicy {
  const written = new Map<string, number>()
  for (const part of text.split(',')) {
    const [, name = '', count = ''] = /^([a-z]+)=([0-9]+)$/.exec(part) ?? []
    if (name === '' || written.has(name)) {
      throw new InvalidArgumentError('It must name each generation once with its number, such as daily=7,weekly=4,monthly=12.')
    }
    written.set(name, Number(count))
  }
  const { policy, problems } = parseGenerations(Object.fromEntries(written))
  const [problem] = problems
  if (problem === undefined) return { snapshotRetentionHours: policy.daily * 24, snapshotGenerations: policy }
  throw new InvalidArgumentError(`${problem.name ?? 'It'} must be ${problem.rule}.`)
}
