/** `capstan schedule list`: what runs by the clock, when next, and what the last runs came to. */
import type { Command } from 'commander'
import { fleetFileOf } from '../../config'
import { type LoadedFleet, readFleet } from '../../fleet/read-fleet'
import { listSchedules } from '../../schedules/list-schedules'
import type { CliContext } from '../context'
import { example, fleetOption, jsonOption, positiveInteger } from '../options'
import { scheduleLines } from '../render/schedules'

interface ListOptions {
  readonly database?: string
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
    .option('--runs <count>', 'at most so many of the last runs of each', positiveInteger, 5)
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan schedule list', 'capstan schedule list --database shop --runs 30 --json'))
    .action(async (options: ListOptions) => {
      const fleet = await fleetAtHand(cli, options.fleet)
      const { database = null, runs } = options
      const schedules = await cli.withDoors((doors) => listSchedules(doors, { database, fleet, runs }))
      if (options.json) return cli.json({ version: 1, schedules })
      if (schedules.length === 0) {
        const none = database === null ? 'No schedules yet' : 'No such schedule'
        return cli.lines([`${none}; "capstan schedule add --help" shows how one is made.`])
      }
      cli.lines(scheduleLines(schedules, { paint: cli.paint, now: Date.now() }))
    })
}

/** Schedules are there without it; one that is named has to be right. */
async function fleetAtHand(cli: CliContext, named: string | undefined): Promise<LoadedFleet | null> {
  if (named === undefined && cli.settings.fleet === null) return null
  return readFleet(fleetFileOf(cli.settings, named))
}
