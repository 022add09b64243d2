/** `capstan fence`: the instances that are kept from everybody through their cloud, and the end of that. */
import { type Command, Option } from 'commander'
import { failure } from '../../contracts/failures'
import { cloudFenceAlerts } from '../cloud-fence-alerts'
import { cloudFenceMetrics } from '../cloud-fence-metrics'
import { liftFence } from '../cloud-fences'
import { EXIT } from '../exit-codes'
import type { CliContext } from './context'
import { byOption, example, jsonOption, someText } from './options'
import { fenceListLines } from './render/fences'

export function addFence(program: Command, cli: CliContext): void {
  const group = program
    .command('fence')
    .description(
      'Instances that are closed and stopped through their cloud, since another one writes in their place: list, lift.',
    )
  addList(group, cli)
  addLift(group, cli)
}

function addList(group: Command, cli: CliContext): void {
  group
    .command('list')
    .summary('which there are, what their cloud was told, and what the watch saw last')
    .description(
      'Every instance that was fenced through its cloud, with what it was told (its networks closed, its server stopped), how often that had to be told once more, and what ' +
        'the watch saw last. Contacts nothing but the ledger. Exit 1 while somebody has to hear of one.',
    )
    .addOption(jsonOption())
    .addOption(new Option('--prometheus', 'as metrics, in the text format of Prometheus').conflicts('json'))
    .addHelpText('after', example('capstan fence list', 'capstan fence list --json', 'capstan fence list --prometheus'))
    .action(async (options: { json?: boolean; prometheus?: boolean }) => {
      const now = Date.now()
      const fences = (await cli.withLedger((ledger) => ledger.listFences())).map((fence) => ({
        ...fence,
        alerts: cloudFenceAlerts(fence, now),
      }))
      if (options.json) cli.json({ version: 1, fences })
      else if (options.prometheus) cli.lines(cloudFenceMetrics(fences, now))
      else cli.lines(fenceListLines(fences, { paint: cli.paint, now }))
      if (fences.some(({ alerts }) => alerts.length > 0)) cli.exit = EXIT.finding
    })
}

interface LiftOptions {
  readonly by?: string
  readonly reason: string
  readonly toUs?: boolean
  readonly yes?: boolean
  readonly writer?: string
  readonly json?: boolean
}

function addLift(group: Command, cli: CliContext): void {
  group
    .command('lift')
    .summary('put back what the fence of an instance took')
    .description(
      'The instance is started, and its network lets in again whom it let in before; the watch ends. Where another one has taken its place there are two writers from then on, ' +
        'and nothing brings their rows together: lift it once nothing leads to it, or its place was given back. --to-us starts it for the control plane alone, and keeps its network closed.',
    )
    .argument(
      '<instance>',
      'its name, its database’s in the fleet file, or its place, such as aws/123456789012/eu-central-1/shop',
    )
    .requiredOption('--reason <text>', 'why, for the record', someText)
    .addOption(byOption())
    .option('--to-us', 'start it for the control plane alone; its network stays closed')
    .option('--writer <database>', 'the one that a failover has made the writer in its place: without it such a fence stays')
    .option('--yes', 'let its applications in again: without it, or --to-us, nothing is done')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan fence lift shop --to-us --reason "its rows have to be looked through"',
        'capstan fence lift shop --yes --by ada --reason "the failover was taken back"',
      ),
    )
    .action(async (named: string, { reason, toUs = false, yes = false, writer, ...options }: LiftOptions) => {
      if (!toUs && !yes) {
        const message =
          'Whoever is let in again writes to it: see "capstan fence list" and that nothing has taken its place, then say --yes; or say --to-us, which lets in nobody but the control plane.'
        throw failure('OPTION_INVALID', message, { option: 'yes' })
      }
      const { heartbeatTimeoutMs, requestedBy } = cli.settings
      const by = options.by ?? requestedBy
      const asked = { named, toUs, by, reason, heartbeatTimeoutMs }
      const { fence, summary } = await cli.withDoors((doors) =>
        liftFence(doors, { ...asked, ...(writer !== undefined && { writer }) }),
      )
      if (options.json) cli.json({ version: 1, instance: fence.instance, database: fence.database, toUs, by, summary })
      else cli.lines([summary])
    })
}
