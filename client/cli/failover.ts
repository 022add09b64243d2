/** `capstan failover SOURCE --to STANDBY`: the source is dead, its standby becomes the writer; or, by its cloud's own failover, its read replica. */
import type { Command } from 'commander'
import { FAILOVER_DOCUMENTS, type FailoverPlan } from '../../contracts/failover'
import { fleetFileOf } from '../config'
import { prepareTakeOver } from '../start-exchange'
import { type FailoverBundle, prepareFailover, startFailover } from '../start-failover'
import type { CliContext } from './context'
import { launchExchange } from './exchange'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { durationMs, example, fleetOption, positiveInteger, someText } from './options'
import { failoverPlanLines } from './render/failover'

const PATIENCE_MS = 15_000
const FENCE_MS = 5 * 60_000
const DRAIN_MS = 30_000
const MARGIN = 10_000

interface FailoverOptions extends LaunchOptions {
  readonly fleet?: string
  readonly to: string
  readonly patience: number
  readonly fenceWithin: number
  readonly drainWithin: number
  readonly acceptLoss?: number
  readonly sequenceMargin: number
  readonly althoughItAnswers?: string
  readonly acknowledgeUnfenced?: string
}

export function addFailover(program: Command, cli: CliContext): void {
  const command = program
    .command('failover')
    .summary('make a standby or a read replica the writer because its source is dead')
    .description(
      'Probes the source from several places, states what may be lost, keeps everybody off the source, and only then opens the standby and moves the endpoint. ' +
        'Refused where the source lives ("capstan switchover" loses nothing), and where nobody can prove that it takes no writes. --plan changes nothing. ' +
        'Of a read replica that the cloud keeps ("replicas" in the fleet file) the cloud has it take over, by its own failover; --drain-within and --sequence-margin are of no use there. ' +
        'Up to the opening everything is taken back where anything fails. Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<source>', 'name of the database in the fleet file that is dead')
    .addOption(fleetOption())
    .requiredOption('--to <standby>', 'name of the standby or replica in the fleet file', someText)
    .option('--patience <time>', 'how long the source is probed before it counts as dead', durationMs, PATIENCE_MS)
    .option('--fence-within <time>', 'how long its cloud may take to close and stop it', durationMs, FENCE_MS)
    .option('--drain-within <time>', 'how long the standby may go on applying what it has received', durationMs, DRAIN_MS)
    .option(
      '--accept-loss <time>',
      'not to be asked where no more than so much may be lost; counts where the policy asks for no approval',
      durationMs,
    )
    .option('--sequence-margin <steps>', 'how far sequences are set ahead of what is known of them', positiveInteger, MARGIN)
    .option(
      '--although-it-answers <why>',
      'the source is not proven dead, and it shall be so all the same; for the record',
      someText,
    )
    .option(
      '--acknowledge-unfenced <why>',
      'you answer for it that the source takes no writes, should nobody be able to prove it; for the record',
      someText,
    )
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example(
        'capstan failover shop --to shop-azure --plan',
        'capstan failover shop --to shop-azure --accept-loss 30s',
        'capstan failover shop --to shop-azure --acknowledge-unfenced "the region is under water, its routes are withdrawn"',
      ),
    )
    .action(async (source: string, options: FailoverOptions) => {
      const { althoughItAnswers = null, acknowledgeUnfenced = null, acceptLoss = null } = options
      const native = await prepareTakeOver({
        fleetFile: fleetFileOf(cli.settings, options.fleet),
        ...{ source, standby: options.to },
        takeOver: {
          ...{ patienceMs: options.patience, fenceMsMax: options.fenceWithin, acceptLossMs: acceptLoss },
          ...{ althoughItAnswers, unfenced: acknowledgeUnfenced },
        },
      })
      if (native !== null) return launchExchange(cli, options, native.bundle, native.clouds)
      const prepared = await prepareFailover({
        fleetFile: fleetFileOf(cli.settings, options.fleet),
        ...{ source, standby: options.to, patienceMs: options.patience, fenceMsMax: options.fenceWithin },
        ...{ drainMsMax: options.drainWithin, acceptLossMs: acceptLoss, sequenceMargin: options.sequenceMargin },
        ...{ althoughItAnswers, unfenced: acknowledgeUnfenced },
      })
      const { bundle } = prepared
      await launch<FailoverPlan>(cli, options, {
        question: questionOf(bundle),
        start: (doors, request) => startFailover(doors, { ...request, ...prepared }),
        planOf: async (ledger, operation) =>
          (await ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.plan })) as FailoverPlan | null,
        planLines: (plan) => failoverPlanLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
      })
    })
}

function questionOf({ database, failover: { standby } }: FailoverBundle): string {
  const source = `${database.name} (${database.environment}, instance ${database.instance})`
  const target = `${standby.name} (${standby.cloud}, instance ${standby.instance})`
  return `Give ${source} up and make ${target} the writer? What the standby lacks is lost to applications, and there is no way back but to seed the old writer anew.`
}
