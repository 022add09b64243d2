/** `capstan ops orphans`: temporary instances in the fleet's accounts, whether anybody cares for them, and the removal of those that nobody does.
 *  `--report`: what the runs by the clock found. */
import { type Command, Option } from 'commander'
import { failure } from '../../../contracts/failures'
import type { Orphans } from '../../../contracts/orphans'
import { fleetFileOf } from '../../config'
import { EXIT } from '../../exit-codes'
import { type LoadedFleet, readFleet } from '../../fleet/read-fleet'
import { orphanMetrics } from '../../orphan-metrics'
import { reportOrphans } from '../../orphan-report'
import { findOrphans } from '../../orphans'
import type { CliContext } from '../context'
import { example, fleetOption, jsonOption } from '../options'
import { orphanLines, orphanReportLines } from '../render/orphans'

interface OrphansOptions {
  readonly fleet?: string
  readonly remove?: boolean
  readonly yes?: boolean
  readonly report?: boolean
  readonly prometheus?: boolean
  readonly json?: boolean
}

export function addOpsOrphans(ops: Command, cli: CliContext): void {
  ops
    .command('orphans')
    .summary('temporary instances that nobody cares for any more')
    .description(
      'Every instance in the accounts of the fleet file that is named as Capstan names its copies, and why it stays. An orphan is one that its ' +
        'tags and the ledger say an operation made, which is over, and that is kept for no time or one that has passed. --remove removes those ' +
        'and nothing else, asking the cloud, the ledger and Temporal again right before each. The regions that snapshots are copied into are looked ' +
        'into, too. --report asks no cloud: it shows what the runs by the clock found. Exit 1 while there are orphans, when a region could not be ' +
        'asked, or when the report has something that somebody has to hear of.',
    )
    .addOption(fleetOption())
    .option('--remove', 'remove the orphans, and wait until they are gone')
    .option('--yes', 'with --remove: without it nothing is removed')
    .addOption(
      new Option('--report', 'what the runs by the clock that the fleet file asks for found last; changes nothing').conflicts(
        'remove',
      ),
    )
    .addOption(new Option('--prometheus', 'with --report: as metrics, in the text format of Prometheus').conflicts('json'))
    .addOption(jsonOption())
    .addHelpText('after', example('capstan ops orphans', 'capstan ops orphans --remove --yes', 'capstan ops orphans --report'))
    .action(async (options: OrphansOptions) => {
      const { remove = false, yes = false, report = false } = options
      if (remove && !yes) {
        const message = 'What is removed does not come back; look with "capstan ops orphans", then say --remove --yes.'
        throw failure('OPTION_INVALID', message, { option: 'yes' })
      }
      if (options.prometheus && !report) {
        const message = 'Metrics are those of the report: give --report with --prometheus.'
        throw failure('OPTION_INVALID', message, { option: 'report' })
      }
      const fleet = await readFleet(fleetFileOf(cli.settings, options.fleet))
      if (report) return showReport(cli, fleet, options)
      const { databases } = fleet
      const { heartbeatTimeoutMs } = cli.settings
      const found = await cli.withDoors((doors) => findOrphans(doors, { databases, remove, heartbeatTimeoutMs }))
      if (options.json) cli.json({ version: 1, ...found })
      else cli.lines(orphanLines(found, cli.paint))
      if (orphansLeft(found) > 0 || found.unreached !== undefined) cli.exit = EXIT.finding
    })
}

async function showReport(cli: CliContext, fleet: LoadedFleet, options: OrphansOptions): Promise<void> {
  const now = Date.now()
  const places = await cli.withLedger((ledger) => reportOrphans(ledger, fleet, now))
  if (options.json) cli.json({ version: 1, places })
  else if (options.prometheus) cli.lines(orphanMetrics(places, now))
  else cli.lines(orphanReportLines(places, cli.paint))
  if (places.some(({ alerts }) => alerts.length > 0)) cli.exit = EXIT.finding
}

function orphansLeft({ instances, removals }: Orphans): number {
  const asked = new Map(removals.map((one) => [one.name, one]))
  return instances.filter(({ name, standing }) => standing === 'orphan' && asked.get(name)?.removed !== true).length
}
