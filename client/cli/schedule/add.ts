/** `capstan schedule add KIND DATABASE`: lets an operation run by the clock. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ScheduledKind, scheduleId } from '../../../contracts/schedule'
import { fleetFileOf, temporalOf } from '../../config'
import { findDatabase, readFleet } from '../../fleet/read-fleet'
import { putSchedule } from '../../schedules/put-schedule'
import {
  CATCH_UP_MS_DEFAULT,
  derivedJitterMs,
  derivedWaitForLockMs,
  TERM_LIMITS,
  type TermLimit,
  timingOf,
  timingWords,
} from '../../schedules/timing'
import type { CliContext } from '../context'
import { durationMs, example, fleetOption, jsonOption } from '../options'
import { kindArgument } from './kind'

interface AddOptions {
  readonly at?: string
  readonly every?: number
  readonly cron?: string
  readonly timeZone?: string
  readonly jitter?: number
  readonly catchUp: number
  readonly waitForLock?: number
  readonly fleet?: string
  readonly json?: boolean
}

export function addScheduleAdd(group: Command, cli: CliContext): void {
  group
    .command('add')
    .summary('let an operation run by the clock; added again, it is changed')
    .description(
      'Lets an operation run by the clock, by the fleet entry as it is now: added again, the schedule takes the new times and the new entry. ' +
        'A run does not begin while the one before goes on, and of those that were missed while Temporal was away one is made up for.',
    )
    .addArgument(kindArgument())
    .argument('<database>', 'name in the fleet file')
    .option('--at <time>', 'at this time of the day, such as 03:00')
    .option(
      '--every <time>',
      'with --at what divides a day, such as 6h (default: 24h); alone any time from 1m on',
      term(TERM_LIMITS.every),
    )
    .addOption(
      new Option('--cron <expression>', 'minute, hour, day of the month, month, day of the week').conflicts(['at', 'every']),
    )
    .option('--time-zone <name>', 'where --at or --cron is meant, such as Europe/Berlin (default: UTC)')
    .option(
      '--jitter <time>',
      'up to so much later, each run anew (default: a tenth of the time between runs, at most 30m)',
      term(TERM_LIMITS.jitter),
    )
    .option(
      '--catch-up <time>',
      'how late a missed run is still made up for (default: 24h)',
      term(TERM_LIMITS.catchUp),
      CATCH_UP_MS_DEFAULT,
    )
    .option(
      '--wait-for-lock <time>',
      'how long a run waits for another operation on the instance, 0s not at all (default: half of the time between runs, at most 2h)',
      term(TERM_LIMITS.waitForLock),
    )
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan schedule add snapshot shop --at 03:00 --time-zone Europe/Berlin',
        'capstan schedule add snapshot shop --cron "30 2 * * mon-fri" --jitter 10m',
      ),
    )
    .action(async (kind: ScheduledKind, database: string, options: AddOptions) => {
      const { at, cron, timeZone, every } = options
      const timing = timingOf({ at, cron, timeZone, everyMs: every })
      const entry = findDatabase(await readFleet(fleetFileOf(cli.settings, options.fleet)), database)
      temporalOf(cli.settings)
      const { requestedBy: addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs } = cli.settings
      const jitterMs = options.jitter ?? derivedJitterMs(timing)
      const waitForLockMs = options.waitForLock ?? derivedWaitForLockMs(timing)
      const { catchUp: catchUpMs } = options
      const terms = { timing, jitterMs, catchUpMs, waitForLockMs }
      const name = { kind, database } as const
      const schedule = { name, entry, ...terms, addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs }
      const { state } = await cli.withDoors((doors) => putSchedule(doors, schedule))
      const id = scheduleId(name)
      if (options.json) return cli.json({ version: 1, schedule: id, added: state === 'added', state, ...terms })
      cli.lines([`${id}: ${state}, ${timingWords(timing)}. When it runs next: capstan schedule list`])
    })
}

/** Within what a schedule may have. */
function term(limit: TermLimit): (text: string) => number {
  return (text) => {
    const value = durationMs(text)
    if (value >= limit.minMs && value <= limit.maxMs && value % limit.unitMs === 0) return value
    throw new InvalidArgumentError(`It must be ${limit.rule}.`)
  }
}
