/** `capstan restore when DATABASE`: the last moment at which something held, found by restoring copies. */
import { type Command, Option } from 'commander'
import { FIND_MOMENT_DOCUMENTS, type SearchPlan } from '../../contracts/find-moment'
import { fleetFileOf } from '../config'
import { chosenDuration } from '../quantities'
import { prepareFindMoment, startFindMoment } from '../start-find-moment'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { dormantOption, durationMs, example, fleetOption, since, someText } from './options'
import { searchPlanLines } from './render/find-moment'

interface WhenOptions extends LaunchOptions {
  readonly fleet?: string
  readonly holds: string
  readonly from: string
  readonly to: string
  readonly precision: number
  readonly wasDormant?: boolean
}

export function addRestoreWhen(group: Command, cli: CliContext): void {
  const command = group
    .command('when')
    .summary('find the last moment at which something held')
    .description(
      'Restores copies as of one moment after another, the ends first, then halves, asks each whether --holds is true there, and removes it before the next. ' +
        'The instance is not touched. Exit 1 when there is no such moment. Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<database>', 'name in the fleet file')
    .addOption(fleetOption())
    .requiredOption('--holds <sql>', 'one SELECT that answers true or false, asked in a read-only transaction', someText)
    .requiredOption(
      '--from <time>',
      'a moment at which it held: a time ago such as 7d, or an instant in UTC',
      wholeSeconds(Math.ceil),
    )
    .requiredOption('--to <time>', 'a moment at which it did not', wholeSeconds(Math.floor))
    .addOption(
      new Option('--precision <time>', 'how near the two moments have to be in the end')
        .argParser(durationMs)
        .default(60_000, '1m'),
    )
    .addOption(dormantOption())
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example(
        'capstan restore when shop --from 2h --to 10m --holds "SELECT count(*) > 1000 FROM public.orders" --plan',
        'capstan restore when shop --from 2h --to 10m --holds "SELECT count(*) > 1000 FROM public.orders"',
      ),
    )
    .action(async (database: string, { holds, from, to, precision, ...options }: WhenOptions) => {
      const fleetFile = fleetFileOf(cli.settings, options.fleet)
      const asked = { holds, from, to, precisionMs: precision, wasDormant: options.wasDormant === true }
      const bundle = await prepareFindMoment({ fleetFile, database, ...asked })
      const { name, environment, instance } = bundle.database
      await launch<SearchPlan>(cli, options, {
        question: `Search ${name} (${environment}, instance ${instance}) from ${from} to ${to} to within ${chosenDuration(precision)}, by restoring one copy after another?`,
        start: (doors, request) => startFindMoment(doors, { ...request, bundle }),
        planOf: async (ledger, operation) =>
          (await ledger.getDocument({ operation, name: FIND_MOMENT_DOCUMENTS.plan })) as SearchPlan | null,
        planLines: (plan) => searchPlanLines(plan, bundle.database, cli.paint),
      })
    })
}

/** Clouds restore to whole seconds. */
const wholeSeconds =
  (round: (seconds: number) => number) =>
  (text: string): string =>
    new Date(round(Date.parse(since(text)) / 1000) * 1000).toISOString()
