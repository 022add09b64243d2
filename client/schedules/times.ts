/** Whether a schedule runs at the times that are asked for. Temporal keeps times in a form of its own, and whoever edits them there may choose
 *  another form for the same times: both sides are written out before they are compared. */
import type { ScheduleSpecDescription } from '@temporalio/client'
import type { ScheduleTiming } from '../../contracts/schedule'
import { cronValues } from './cron'
import { DAYS, MONTHS, numbered, valuesOf } from './spec-words'
import { specOf } from './timing'

export function runsAt(spec: ScheduleSpecDescription, timing: ScheduleTiming, id: string): boolean {
  const { calendars = [], intervals = [], skip = [], startAt, endAt, timezone } = spec
  if (skip.length > 0 || startAt !== undefined || endAt !== undefined) return false
  const found = { calendars: calendars.map(writtenOut), intervals: intervals.map(({ every, offset }) => [every, offset ?? 0]) }
  const zone = 'timeZone' in timing ? timing.timeZone : 'UTC'
  return JSON.stringify({ ...found, zone: timezone || 'UTC' }) === JSON.stringify({ ...wanted(timing, id), zone })
}

function wanted(timing: ScheduleTiming, id: string): { calendars: unknown[]; intervals: unknown[] } {
  if (timing.by === 'interval') {
    const { intervals = [] } = specOf(timing, { id, jitterMs: 0 })
    return { calendars: [], intervals: intervals.map(({ every, offset }) => [every, offset ?? 0]) }
  }
  const values = timing.by === 'cron' ? cronValues(timing.cron) : cronValues(cronOf(timing))
  return { calendars: [values], intervals: [] }
}

function cronOf({ at, everyMs }: { at: string; everyMs: number }): string {
  const [hour = 0, minute = 0] = at.split(':').map(Number)
  const gap = everyMs / 3_600_000
  const hours = Array.from({ length: 24 / gap }, (_, n) => (hour + n * gap) % 24)
  return `${minute} ${hours.join(',')} * * *`
}

type Calendar = NonNullable<ScheduleSpecDescription['calendars']>[number]
/** Each field's values in order, the fields in the order of cron. A year or a second makes it another calendar. */
function writtenOut({ minute, hour, dayOfMonth, month, dayOfWeek, second, year }: Calendar): unknown {
  const [months, days] = [numbered(month, MONTHS, 1), numbered(dayOfWeek, DAYS, 0)]
  const fields = [minute, hour, dayOfMonth, months, days].map(valuesOf)
  const odd = valuesOf(second).some((one) => one !== 0) || year.length > 0
  return odd ? [...fields, second, year] : fields
}
