/** When a schedule runs: what people write, what Temporal is told, and the words in which it is shown. */
import { createHash } from 'node:crypto'
import type { CalendarSpec, ScheduleSpec } from '@temporalio/client'
import { failure } from '../../contracts/failures'
import type { ScheduleTiming } from '../../contracts/schedule'
import { chosenDuration } from '../quantities'
import { cutInput, shownInput } from '../shown-input'
import { checkCron } from './cron'

export interface AskedTiming {
  readonly cron: string | undefined
  readonly at: string | undefined
  readonly everyMs: number | undefined
  readonly timeZone: string | undefined
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const JITTER_MS_MAX = 30 * 60_000
const WAIT_FOR_LOCK_MS_MAX = 2 * HOUR_MS

export const CATCH_UP_MS_DEFAULT = DAY_MS

export interface TermLimit {
  readonly unitMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly rule: string
}
const whole = { unitMs: MINUTE_MS, minMs: MINUTE_MS, maxMs: 366 * DAY_MS, rule: 'a time in whole minutes, from 1m to 366d' }
const upToADay = { unitMs: 1_000, minMs: 0, maxMs: DAY_MS, rule: 'a time with its unit in whole seconds, from 0s to 24h' }

/** Temporal itself takes no `catchUp` of less than ten seconds. */
export const TERM_LIMITS = { every: whole, catchUp: whole, jitter: upToADay, waitForLock: upToADay } as const satisfies Record<
  string,
  TermLimit
>

/** Which field is wrong, what was found, and what would be right. */
export interface WrongTiming {
  readonly field: 'cron' | 'at' | 'every' | 'timeZone'
  readonly found: string
  readonly rule: string
}

/** Fails with OPTION_INVALID, naming the option. */
export function timingOf(asked: AskedTiming): ScheduleTiming {
  if (asked.cron === undefined && asked.at === undefined) {
    if (asked.everyMs === undefined) {
      const message = 'When it is to run is missing: give --at 03:00, --every 6h, or --cron "0 3 * * *".'
      throw failure('OPTION_INVALID', message, { option: 'at' })
    }
    if (asked.timeZone !== undefined) {
      const message = '--time-zone says where --at or --cron is meant; with --every alone leave it out.'
      throw failure('OPTION_INVALID', message, { option: 'time-zone' })
    }
  }
  const read = readTiming(asked)
  if ('by' in read) return read
  const option = read.field === 'timeZone' ? 'time-zone' : read.field
  const rule = read.field === 'every' ? read.rule.replace('`at`', '--at').replace('cron: ', '--cron ') : read.rule
  throw failure('OPTION_INVALID', `--${option} is ${shownInput(read.found)}; ${rule}.`, { option, found: cutInput(read.found) })
}

export function readTiming({ cron, at, everyMs, timeZone }: AskedTiming): ScheduleTiming | WrongTiming {
  const zone = timeZone === undefined ? 'UTC' : zoneOf(timeZone)
  if (zone === null) {
    const rule = 'it must be a name of the time zone database, such as Europe/Berlin or UTC'
    return { field: 'timeZone', found: timeZone ?? '', rule }
  }
  if (cron !== undefined) {
    const checked = checkCron(cron)
    return 'rule' in checked ? { field: 'cron', found: cron, rule: checked.rule } : { by: 'cron', cron, timeZone: zone }
  }
  if (at === undefined) return { by: 'interval', everyMs: everyMs ?? DAY_MS }
  if (!/^([01][0-9]|2[0-3]):[0-5][0-9]$/.test(at))
    return { field: 'at', found: at, rule: 'it must be a time of the day, such as 03:00' }
  const daily = everyMs ?? DAY_MS
  // Only what divides a day comes round to the same time of the day.
  if (daily % HOUR_MS === 0 && DAY_MS % daily === 0) return { by: 'clock', at, everyMs: daily, timeZone: zone }
  const rule = 'with `at` it must divide a day in whole hours, such as 24h, 12h or 6h; for once a week give cron: "0 3 * * sun"'
  return { field: 'every', found: chosenDuration(daily), rule }
}

/** Null: there is none of that name. */
function zoneOf(timeZone: string): string | null {
  try {
    // An offset such as +02:00 is no place: nobody would know when its clocks change.
    return /^[A-Za-z]/.test(timeZone) ? new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone : null
  } catch {
    return null
  }
}

/** A tenth of the time between two runs, up to half an hour: a fleet that is scheduled alike does not start at once. What has its own moment
 *  needs none. */
export function derivedJitterMs(timing: ScheduleTiming): number {
  return timing.by === 'interval' ? 0 : Math.min(JITTER_MS_MAX, gapMs(timing) / 10)
}

/** Half of the time between two runs, up to two hours: a run that had to wait is not in the way of the next one. */
export function derivedWaitForLockMs(timing: ScheduleTiming): number {
  return Math.min(WAIT_FOR_LOCK_MS_MAX, Math.floor(gapMs(timing) / 2_000) * 1_000)
}

/** Between two runs, at the shortest. */
export function gapMs(timing: ScheduleTiming): number {
  if (timing.by !== 'cron') return timing.everyMs
  const checked = checkCron(timing.cron)
  return 'rule' in checked ? 0 : checked.shortestGapMs
}

export function specOf(timing: ScheduleTiming, { id, jitterMs }: { id: string; jitterMs: number }): ScheduleSpec {
  const jitter = jitterMs
  switch (timing.by) {
    case 'cron':
      return { cronExpressions: [timing.cron], timezone: timing.timeZone, jitter }
    case 'clock':
      return { calendars: [calendarOf(timing)], timezone: timing.timeZone, jitter }
    case 'interval':
      return { intervals: [{ every: timing.everyMs, offset: offsetOf(id, timing.everyMs) }], jitter }
  }
}

function calendarOf({ at, everyMs }: { at: string; everyMs: number }): CalendarSpec {
  const [hour = 0, minute = 0] = at.split(':').map(Number)
  const times = DAY_MS / everyMs
  const hours = Array.from({ length: times }, (_, n) => (hour + n * (24 / times)) % 24)
  return { hour: hours, minute }
}

/** Whole seconds, spread evenly over the interval by the schedule's name. */
function offsetOf(id: string, everyMs: number): number {
  const share = createHash('sha256').update(id, 'utf8').digest().readUInt32BE(0) / 2 ** 32
  return Math.floor((share * everyMs) / 1000) * 1000
}

/** `every day at 03:00 Europe/Berlin`, `every 6 h from 03:00 UTC`, `every 6 h`, `0 3 * * 1 Europe/Berlin` */
export function timingWords(timing: ScheduleTiming): string {
  switch (timing.by) {
    case 'cron':
      return `${timing.cron} ${timing.timeZone}`
    case 'clock':
      return timing.everyMs === DAY_MS
        ? `every day at ${timing.at} ${timing.timeZone}`
        : `every ${chosenDuration(timing.everyMs)} from ${timing.at} ${timing.timeZone}`
    case 'interval':
      return `every ${chosenDuration(timing.everyMs)}`
  }
}
