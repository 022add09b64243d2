/** `capstan upgrade SOURCE`: a changed copy takes the instance's place, by a blue/green deployment of RDS. */
import { type Command, InvalidArgumentError } from 'commander'
import { UPGRADE_DOCUMENTS, type UpgradePlan, wantedWords } from '../../contracts/upgrade'
import { fleetFileOf } from '../config'
import { prepareUpgrade, startUpgrade, type UpgradeBundle } from '../start-upgrade'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { durationMs, example, fleetOption, someText } from './options'
import { upgradePlanLines } from './render/upgrade'

const DRAIN_MS = 30_000
const OBSERVE_MS = 60_000
const COMPARE_MS = 30_000
/** RDS's own bounds, and its default. */
const SWITCH = { secondsMin: 30, secondsMax: 3_600, seconds: 300 } as const

interface UpgradeOptions extends LaunchOptions {
  readonly fleet?: string
  readonly toVersion?: string
  readonly parameterGroup?: string
  readonly instanceClass?: string
  readonly drainWithin: number
  readonly switchWithin: number
  readonly compareWithin: number
  readonly observe: number
}

export function addUpgrade(program: Command, cli: CliContext): void {
  const command = program
    .command('upgrade')
    .summary('another PostgreSQL version, parameter group or class, by a copy that takes the instance’s place')
    .description(
      'On RDS, by a blue/green deployment: the cloud makes a changed copy (green) that follows, Capstan proves it and asks, then the cloud puts it in the place of the instance (blue), under its name and ' +
        'address. Before that moment everything is taken back by removing green. Afterwards nothing leads back: the old instance stays, read-only, until you remove it. Where the cloud has no such act the plan ' +
        'says how a standby does it. --plan changes nothing. Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<source>', 'name of the database in the fleet file')
    .addOption(fleetOption())
    .option('--to-version <version>', 'PostgreSQL version that green is to have, such as 17 or 17.4', engineVersion)
    .option('--parameter-group <name>', 'parameter group that green is to have; it has to be there', someText)
    .option('--instance-class <class>', 'class that green is to have', someText)
    .option(
      '--drain-within <time>',
      'how long green may take, right before, to show what was written to blue',
      durationMs,
      DRAIN_MS,
    )
    .option(
      '--switch-within <time>',
      'after which the cloud takes its switchover back: 30s to 1h',
      switchMs,
      SWITCH.seconds * 1_000,
    )
    .option('--compare-within <time>', 'how long to compare the tables that change most', durationMs, COMPARE_MS)
    .option('--observe <time>', 'how long to watch the new writer before the deployment is removed', durationMs, OBSERVE_MS)
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example(
        'capstan upgrade shop --to-version 17 --parameter-group shop-17 --plan',
        'capstan upgrade shop --to-version 17 --parameter-group shop-17',
        'capstan upgrade shop --instance-class db.r7g.large --observe 10m',
      ),
    )
    .action(async (source: string, options: UpgradeOptions) => {
      const bundle = await prepareUpgrade({
        fleetFile: fleetFileOf(cli.settings, options.fleet),
        source,
        engineVersion: options.toVersion ?? null,
        parameterGroup: options.parameterGroup ?? null,
        instanceClass: options.instanceClass ?? null,
        followMsMax: options.drainWithin,
        switchSecondsMax: Math.ceil(options.switchWithin / 1_000),
        compareMsMax: options.compareWithin,
        observeMs: options.observe,
      })
      await launch<UpgradePlan>(cli, options, {
        question: questionOf(bundle),
        start: (doors, request) => startUpgrade(doors, { ...request, bundle }),
        planOf: async (ledger, operation) =>
          (await ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.plan })) as UpgradePlan | null,
        planLines: (plan) => upgradePlanLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
      })
    })
}

function engineVersion(text: string): string {
  if (/^\d{2}(\.\d{1,2})?$/.test(text)) return text
  throw new InvalidArgumentError('It must be a version of PostgreSQL, such as 17 or 17.4.')
}

function switchMs(text: string): number {
  const value = durationMs(text)
  if (value >= SWITCH.secondsMin * 1_000 && value <= SWITCH.secondsMax * 1_000) return value
  throw new InvalidArgumentError('It must be a time from 30s to 1h, as RDS takes it.')
}

function questionOf({ database: { name, environment, instance }, upgrade }: UpgradeBundle): string {
  return `Have a copy of ${name} (${environment}, instance ${instance}) made with ${wantedWords(upgrade)}, and put it in its place? Everybody is disconnected then, and nothing leads back.`
}
