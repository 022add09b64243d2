/** `capstan schedule list`: what runs by the clock, when next, and what the last runs came to. */
import { type Command, Option } from 'commander'
import { fleetFileOf } from '../../config'
import { type LoadedFleet, readFleet } from '../../fleet/read-fleet'
import { listSchedules } from '../../schedules/list-schedules'
import type { CliContext } from '../context'
import { example, fleetOption, jsonOption, positiveInteger } from '../options'
import { scheduleLines } from '../render/schedules'

interface ListOptions {
  readonly database?: string
  readonly place?: string
  readonly runs: number
  readonly fleet?: string
  readonly json?: boolean
}

export function addScheduleList(group: Command, cli: CliContext): void {
  group
    .command('list')
    .description(
      'What runs by the clock: when next, what the last runs came to, what is paused and why, and whether the fleet file has changed ' +
        'since the schedule was added.',
    )
    .option('--database <name>', 'only those of one database')
    .addOption(
      new Option('--place <place>', 'only the search for orphans in one place, such as aws/123456789012/eu-central-1').conflicts(
        'database',
      ),
    )
    .option('--runs <count>', 'at most so many of the last runs of each', positiveInteger, 5)
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan schedule list', 'capstan schedule list --database shop --runs 30 --json'))
    .action(async (options: ListOptions) => {
      const fleet = await fleetAtHand(cli, options.fleet)
      const { database, place, runs } = options
      const of = place !== undefined ? { place } : database !== undefined ? { database } : null
      const schedules = await cli.withDoors((doors) => listSchedules(doors, { of, fleet, runs }))
      if (options.json) return cli.json({ version: 1, schedules })
      if (schedules.length === 0) {
        const none = of === null ? 'No schedules yet' : 'No such schedule'
        const made = place === undefined ? 'add --help' : 'apply --help'
        return cli.lines([`${none}; "capstan schedule ${made}" shows how one is made.`])
      }
      cli.lines(scheduleLines(schedules, { paint: cli.paint, now: Date.now() }))
    })
}

/** Schedules are there without it; one that is named has to be right. */
async function fleetAtHand(cli: CliContext, named: string | undefined): Promise<LoadedFleet | null> {
  if (named === undefined && cli.settings.fleet === null) return null
  return readFleet(fleetFileOf(cli.settings, named))
}
