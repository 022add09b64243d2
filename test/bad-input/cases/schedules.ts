/** `capstan schedule`. */
import type { FailureCode } from '../../../contracts/failures'
import type { BadInput } from '../support/bad-input'

function asked(title: string, names: string, args: readonly string[], code: FailureCode = 'OPTION_INVALID'): BadInput {
  return {
    title,
    exit: 2,
    code,
    names,
    given: (world) => ({
      args: ['schedule', ...args],
      env: { CAPSTAN_FLEET: world.fleet(), CAPSTAN_LEDGER_URL: world.ledgerUrl, TEMPORAL_ADDRESS: world.temporal },
    }),
  }
}

const adding = (title: string, names: string, ...options: string[]) =>
  asked(title, names, ['add', 'snapshot', 'shop', ...options])

export const SCHEDULES: readonly BadInput[] = [
  asked('an operation that does not run by the clock', '<kind>', ['add', 'migrate', 'shop', '--at', '03:00']),
  asked('a mistyped database', 'did you mean shop?', ['add', 'snapshot', 'shpo', '--at', '03:00'], 'DATABASE_UNKNOWN'),
  adding('no time', '--at'),
  adding('a time of the day that there is not', '--at', '--at', '24:00'),
  adding('a time of the day as people say it', '--at', '--at', '3am'),
  adding('an hour of a cron expression that no day has', 'hour', '--cron', '0 25 * * *'),
  adding('a weekday of a cron expression in full', 'day of the week', '--cron', '0 3 * * monday'),
  adding('a cron expression of four fields', 'five fields', '--cron', '0 3 * *'),
  adding('a cron expression with a second', 'five fields', '--cron', '0 0 3 * * *'),
  adding('a cron expression that is read in two ways', 'two ways', '--cron', '0 3 1 * mon'),
  adding('the thirtieth of February', 'day of the month', '--cron', '0 3 30 2 *'),
  adding('a cron expression and a time', '--cron', '--cron', '0 3 * * *', '--at', '03:00'),
  adding('a time without its unit', '--every', '--every', '24'),
  adding('every second', '--every', '--every', '1s'),
  adding('a time that does not divide a day', '--every', '--every', '7h', '--at', '03:00'),
  adding('a time zone that there is not', '--time-zone', '--at', '03:00', '--time-zone', 'Europe/Berlim'),
  adding('an offset as time zone', '--time-zone', '--at', '03:00', '--time-zone', '+02:00'),
  adding('a time zone of no time of the day', '--time-zone', '--every', '6h', '--time-zone', 'Europe/Berlin'),
  adding('a jitter without its unit', '--jitter', '--at', '03:00', '--jitter', '10'),
  adding('a catch-up of no time', '--catch-up', '--at', '03:00', '--catch-up', '0m'),
  asked('a pause without a reason', '--note', ['pause', 'snapshot', 'shop']),
  asked('a pause for an empty reason', '--note', ['pause', 'snapshot', 'shop', '--note', ' ']),
  asked(
    'a pause of a schedule that is not there',
    'schedule list',
    ['pause', 'snapshot', 'shop', '--note', 'x'],
    'SCHEDULE_UNKNOWN',
  ),
  asked('a run of a schedule that is not there', 'schedule list', ['run', 'snapshot', 'shpo'], 'SCHEDULE_UNKNOWN'),
  asked('a search for orphans added by hand', '<kind>', ['add', 'orphans', 'aws/123456789012/eu-central-1', '--every', '6h']),
  asked(
    'a run of a search for orphans that is not there',
    'schedule apply',
    ['run', 'orphans', 'aws/123456789012/eu-central-2'],
    'SCHEDULE_UNKNOWN',
  ),
  asked('a database and a place', '--place', ['list', '--database', 'shop', '--place', 'aws/123456789012/eu-central-1']),
  asked('a schedule without its operation', '<database>', ['remove', 'shop']),
  asked('a list of no runs', '--runs', ['list', '--runs', '0']),
]
