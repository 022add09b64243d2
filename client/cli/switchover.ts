/** `capstan switchover SOURCE`: moves writing to the standby, and back by the same command with the other name. */
import { type Command, InvalidArgumentError } from 'commander'
import { failure } from '../../contracts/failures'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../../contracts/switchover'
import { fleetFileOf } from '../config'
import { prepareExchange } from '../start-exchange'
import { prepareSwitchover, type SwitchoverBundle, startSwitchover } from '../start-switchover'
import type { CliContext } from './context'
import { launchExchange, refuseComparing } from './exchange'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { durationMs, example, fleetOption, someText } from './options'
import { switchoverPlanLines } from './render/switchover'

const DRAIN_MS = 30_000

interface SwitchoverOptions extends LaunchOptions {
  readonly fleet?: string
  readonly to?: string
  readonly rehearse?: boolean
  readonly drainWithin: number
  readonly compareWithin?: number
  readonly observe?: number
  /** Of --no-way-back; true: it was not given. */
  readonly wayBack?: string | true
}

export function addSwitchover(program: Command, cli: CliContext): void {
  const command = program
    .command('switchover')
    .summary('move writing to a standby in another cloud, or to a read replica')
    .description(
      'Of a read replica that the cloud keeps ("replicas" in the fleet file): has the cloud exchange both. Of a standby: closes the source to everybody, waits until the standby has all that was acknowledged there, sets its sequences, has the source follow it, and moves the ' +
        'endpoint. Before that moment everything is taken back where anything fails, and the source goes on. Afterwards the same command with the other name moves ' +
        'writing back. --plan changes nothing; --rehearse does all that comes before the fence, times what comes behind it, and takes it back. Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<source>', 'name of the database in the fleet file that is written to now')
    .addOption(fleetOption())
    .option('--to <standby>', 'name of the standby or replica in the fleet file; may be left out where there is one', someText)
    .option(
      '--drain-within <time>',
      'once nobody can write any more: how long the standby may take to have all; above it the source is opened again; of a read replica: how long it may take to show what was written to the source',
      durationMs,
      DRAIN_MS,
    )
    .option(
      '--compare-within <time>',
      'once nobody can write any more: for how long to compare the tables that change most; where rows differ the source is opened again (default: not at all)',
      durationMs,
    )
    .option(
      '--observe <time>',
      'once writing has moved: how long to look whether the old writer follows, applications are there and fare as before; both stay locked, and "ops abort" ends it (at most 1d; default: not at all)',
      observed,
    )
    .option('--rehearse', 'do what comes before the fence, time what comes behind it, and move nothing')
    .option(
      '--no-way-back <why>',
      'move it although the source is too old to follow back, as from 15 to 17: it stays closed, and going back loses what was written since; refused where there can be a way back; for the record',
      someText,
    )
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example(
        'capstan switchover shop --rehearse',
        'capstan switchover shop --to shop-west',
        'capstan switchover shop --to shop-azure',
        'capstan switchover shop --to shop-azure --observe 15m',
        'capstan switchover shop-azure --to shop',
        'capstan switchover shop --no-way-back "15 is the old one, and goes" --plan',
      ),
    )
    .action(async (source: string, options: SwitchoverOptions) => {
      const { rehearse = false, to = null, drainWithin, compareWithin = 0, observe = 0 } = options
      const oneWay = typeof options.wayBack === 'string' ? options.wayBack : null
      const fleetFile = fleetFileOf(cli.settings, options.fleet)
      const native = await prepareExchange({ fleetFile, source, standby: to, followMsMax: drainWithin })
      if (native !== null) {
        refuseOfReplica(native.exchange.standby.name, { rehearse, compareWithin, oneWay, observe })
        return launchExchange(cli, options, native)
      }
      const bundle = await prepareSwitchover({
        fleetFile,
        source,
        standby: to,
        rehearse,
        oneWay,
        drainMsMax: drainWithin,
        compareMsMax: compareWithin,
        observeMs: observedBy({ rehearse, observe }),
      })
      await launch<SwitchoverPlan>(cli, options, {
        question: questionOf(bundle),
        start: (doors, request) => startSwitchover(doors, { ...request, bundle }),
        planOf: async (ledger, operation) =>
          (await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.plan })) as SwitchoverPlan | null,
        planLines: (plan) => switchoverPlanLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
      })
    })
}

const OBSERVE_MS_MAX = 86_400_000

function observed(text: string): number {
  const ms = durationMs(text)
  if (ms <= OBSERVE_MS_MAX) return ms
  throw new InvalidArgumentError('It must be 1d at most.')
}

interface OfStandbys {
  readonly rehearse: boolean
  readonly compareWithin: number
  readonly oneWay: string | null
  readonly observe: number
}

/** What means nothing where the cloud itself exchanges both. */
function refuseOfReplica(name: string, { rehearse, compareWithin, oneWay, observe }: OfStandbys): void {
  if (rehearse) refuseComparing(name, 'rehearse')
  if (compareWithin > 0) refuseComparing(name, 'compare-within')
  if (oneWay !== null) throw followsByItsCloud(name)
  if (observe > 0) throw notObserved(name)
}

function observedBy({ rehearse, observe }: Pick<OfStandbys, 'rehearse' | 'observe'>): number {
  if (!rehearse || observe === 0) return observe
  const message = '--observe is for once writing has moved, and with --rehearse nothing moves: leave one of both out.'
  throw failure('OPTION_INVALID', message, { option: 'observe' })
}

function notObserved(name: string): Error {
  const message = `--observe is for a standby in another cloud, and ${name} is a read replica that its cloud exchanges: leave it out.`
  return failure('OPTION_INVALID', message, { option: 'observe', database: name })
}

function followsByItsCloud(name: string): Error {
  const message = `--no-way-back is for a source that is too old to follow, and ${name} is a read replica, which its cloud has follow and exchanges: leave it out.`
  return failure('OPTION_INVALID', message, { option: 'no-way-back', database: name })
}

function questionOf({ database, switchover: { standby, rehearse, oneWay } }: SwitchoverBundle): string {
  const source = `${database.name} (${database.environment}, instance ${database.instance})`
  const target = `${standby.name} (${standby.cloud}, instance ${standby.instance})`
  if (rehearse)
    return `Rehearse moving writing from ${source} to ${target}? ${oneWay === undefined ? 'The way back is made' : 'What keeps applications out of the standby is made'} and taken away again; nothing is moved, and nobody is disconnected.`
  return `Move writing from ${source} to ${target}? Everybody is disconnected, and there is no writer for some seconds.${oneWay === undefined ? '' : ` There is no way back: ${database.name} stays closed, and going back loses what is written on ${standby.name} from then on.`}`
}
