/** When a schedule runs, in words, out of what Temporal goes by: whoever edited it there sees what they made of it. */
import type { CalendarSpecDescription, ScheduleSpecDescription } from '@temporalio/client'
import { chosenDuration } from '../quantities'

const HOUR_MS = 3_600_000
export const MONTHS = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
]
export const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY']

interface Span {
  readonly start: number
  readonly end: number
  readonly step: number
}

/** `every day at 03:00 Europe/Berlin`, `every 6 h from 03:00 UTC`, `every 6 h`, `30 2 * * 1-5 UTC`; several are joined by `and`. */
export function specWords({ calendars = [], intervals = [], timezone }: ScheduleSpecDescription): string {
  const zone = timezone || 'UTC'
  const times = calendars.map((calendar) => `${calendarWords(calendar)} ${zone}`)
  return [...times, ...intervals.map(({ every }) => `every ${chosenDuration(every)}`)].join(' and ') || 'never'
}

function calendarWords(calendar: CalendarSpecDescription): string {
  const days = [
    cronField(calendar.dayOfMonth, 1, 31),
    cronField(numbered(calendar.month, MONTHS, 1), 1, 12),
    cronField(numbered(calendar.dayOfWeek, DAYS, 0), 0, 6),
  ].join(' ')
  return (
    (days === '* * *' && daily(calendar)) || `${cronField(calendar.minute, 0, 59)} ${cronField(calendar.hour, 0, 23)} ${days}`
  )
}

/** Null: not at one minute of hours that divide a day. */
function daily({ minute, hour }: CalendarSpecDescription): string | null {
  const [minutes, hours] = [valuesOf(minute), valuesOf(hour)]
  const [at] = minutes
  const [first] = hours
  if (at === undefined || minutes.length > 1 || first === undefined) return null
  const gap = 24 / hours.length
  if (hours.some((one, n) => one !== first + n * gap)) return null
  const clock = `${String(first).padStart(2, '0')}:${String(at).padStart(2, '0')}`
  return gap === 24 ? `every day at ${clock}` : `every ${chosenDuration(gap * HOUR_MS)} from ${clock}`
}

export function valuesOf(spans: readonly Span[]): number[] {
  const values = new Set<number>()
  for (const { start, end, step } of spans) for (let value = start; value <= end; value += step) values.add(value)
  return [...values].sort((a, b) => a - b)
}

export function numbered(
  spans: readonly { readonly start: string; readonly end: string; readonly step: number }[],
  names: readonly string[],
  first: number,
): Span[] {
  return spans.map(({ start, end, step }) => ({ start: names.indexOf(start) + first, end: names.indexOf(end) + first, step }))
}

function cronField(spans: readonly Span[], min: number, max: number): string {
  return spans
    .map(({ start, end, step }) => {
      const range = start === min && end === max ? '*' : start === end ? String(start) : `${start}-${end}`
      return step === 1 ? range : `${range}/${step}`
    })
    .join(',')
}
