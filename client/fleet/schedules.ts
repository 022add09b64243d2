/** The schedules that the fleet file asks for: those of a database, and of the places that hold copies. */
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FleetFile, FleetFileDatabase } from '../../contracts/fleet.schema'
import { type DeclaredSchedule, SCHEDULED_KINDS, type ScheduleTerms, type ScheduleTiming } from '../../contracts/schedule'
import { placesOf } from '../places'
import {
  CATCH_UP_MS_DEFAULT,
  derivedJitterMs,
  derivedWaitForLockMs,
  readTiming,
  TERM_LIMITS,
  type TermLimit,
} from '../schedules/timing'
import type { FieldPath } from './source'
import { parseDurationMs } from './units'

type FileSchedules = NonNullable<FleetFileDatabase['schedules']>
type FileSchedule = NonNullable<FileSchedules[keyof FileSchedules]>

/** `clause`: what would be right, such as `it must be a time of the day`. */
export type Mistaken = (path: FieldPath, clause: string) => void

export function toSchedules(database: string, file: FileSchedules, path: FieldPath, mistaken: Mistaken): DeclaredSchedule[] {
  return SCHEDULED_KINDS.flatMap((kind) => {
    const schedule = file[kind]
    if (schedule === undefined) return []
    const terms = toTerms(schedule, [...path, kind], mistaken)
    return terms === null ? [] : [{ kind, database, terms }]
  })
}

/** What a mistake is told, where there is no cron. */
const WITHOUT_CRON = [
  ['at, every or cron', 'at or every'],
  ['is neither at nor cron', 'is no at'],
  [/; for once a week .*/, ''],
] as const

/** The same times for each place; those that have no time of the day are spread by their names. They wait for no lock, and what was missed is hardly made up
 *  for: the next run would follow at once, and remove what nobody had time to see. */
export function toSweeps(
  databases: readonly DatabaseEntry[],
  file: NonNullable<FleetFile['orphans']>,
  mistaken: Mistaken,
): DeclaredSchedule[] {
  const withoutCron: Mistaken = (path, clause) =>
    mistaken(
      path,
      WITHOUT_CRON.reduce((words, [from, to]) => words.replace(from, to), clause),
    )
  const terms = toTerms({ catchUp: '1m', ...file, waitForLock: '0s' }, ['orphans'], withoutCron)
  return terms === null ? [] : placesOf(databases).map(({ id }) => ({ kind: 'orphans', place: id, terms }))
}

function toTerms(file: FileSchedule, path: FieldPath, mistaken: Mistaken): ScheduleTerms | null {
  const timing = toTiming(file, path, mistaken)
  if (timing === null) return null
  const read = (field: 'jitter' | 'catchUp' | 'waitForLock', otherwise: number): number =>
    file[field] === undefined ? otherwise : within(file[field], TERM_LIMITS[field], [...path, field], mistaken)
  return {
    timing,
    jitterMs: read('jitter', derivedJitterMs(timing)),
    catchUpMs: read('catchUp', CATCH_UP_MS_DEFAULT),
    waitForLockMs: read('waitForLock', derivedWaitForLockMs(timing)),
  }
}

function toTiming({ at, every, cron, timeZone }: FileSchedule, path: FieldPath, mistaken: Mistaken): ScheduleTiming | null {
  const wrong = (field: FieldPath, clause: string): null => {
    mistaken([...path, ...field], clause)
    return null
  }
  if (cron !== undefined && (at ?? every) !== undefined) return wrong(['cron'], 'it must stand alone, without at and every')
  if (cron === undefined && at === undefined) {
    if (every === undefined) return wrong([], 'it must say when: at, every or cron')
    if (timeZone !== undefined) return wrong(['timeZone'], 'it must be left out where there is neither at nor cron')
  }
  const everyMs = every === undefined ? undefined : within(every, TERM_LIMITS.every, [...path, 'every'], mistaken)
  const read = readTiming({ at, cron, timeZone, everyMs })
  return 'by' in read ? read : wrong([read.field], read.rule)
}

function within(text: string, { unitMs, minMs, maxMs, rule }: TermLimit, path: FieldPath, mistaken: Mistaken): number {
  const value = parseDurationMs(text) ?? Number.NaN
  if (value >= minMs && value <= maxMs && value % unitMs === 0) return value
  mistaken(path, `it must be ${rule}`)
  return minMs
}
