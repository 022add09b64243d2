/** Grandfather, father, son: every snapshot is kept some days, the first one of a week some weeks, of a month some months, of a year some years. The
 *  end is known when one is taken, as decision 4 wants it. All of it in UTC; weeks begin on Monday. Pure. */
import type { GenerationPolicy, MigrationPolicy } from './fleet'
import type { IsoInstant } from './instant'

export type Generation = keyof GenerationPolicy
export const GENERATIONS = ['daily', 'weekly', 'monthly', 'yearly'] as const satisfies readonly Generation[]

/** At most ten years, as a plain retention. */
export const GENERATION_MAX: GenerationPolicy = { daily: 3_650, weekly: 520, monthly: 120, yearly: 10 }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** 1970 began on a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS

/** When one that was taken at `takenAt` is over as a member of its generation. Months and years by the calendar: what was taken on the 31st goes on
 *  the last day of a shorter month. */
export function endOf(generation: Generation, takenAt: IsoInstant, policy: GenerationPolicy): IsoInstant {
  const taken = Date.parse(takenAt)
  const count = policy[generation]
  switch (generation) {
    case 'daily':
      return new Date(taken + count * DAY_MS).toISOString()
    case 'weekly':
      return new Date(taken + count * 7 * DAY_MS).toISOString()
    case 'monthly':
      return monthsLater(taken, count)
    case 'yearly':
      return monthsLater(taken, count * 12)
  }
}

function monthsLater(takenMs: number, months: number): IsoInstant {
  const end = new Date(takenMs)
  const day = end.getUTCDate()
  end.setUTCDate(1)
  end.setUTCMonth(end.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + 1, 0)).getUTCDate()
  end.setUTCDate(Math.min(day, lastDay))
  return end.toISOString()
}

/** Which day, week, month or year an instant is in: equal for two of the same. */
export function bucketOf(generation: Generation, at: IsoInstant): number {
  const instant = new Date(at)
  switch (generation) {
    case 'daily':
      return Math.floor(instant.getTime() / DAY_MS)
    case 'weekly':
      return Math.floor((instant.getTime() - FIRST_MONDAY_MS) / (7 * DAY_MS))
    case 'monthly':
      return instant.getUTCFullYear() * 12 + instant.getUTCMonth()
    case 'yearly':
      return instant.getUTCFullYear()
  }
}

/** No snapshot by this policy is kept longer. */
export function longestHours(policy: GenerationPolicy): number {
  const { daily, weekly, monthly, yearly } = policy
  return 24 * Math.max(daily, weekly * 7, monthly * 31, yearly * 366)
}

/** `daily 7, weekly 4, monthly 12, yearly 2`, without those that there are none of. */
export function shownPolicy(policy: GenerationPolicy): string {
  return GENERATIONS.filter((generation) => policy[generation] > 0)
    .map((generation) => `${generation} ${policy[generation]}`)
    .join(', ')
}

/** As a policy says how long snapshots are kept. `snapshotRetentionHours`: each of them, at least. */
export type RetentionPolicy = Pick<MigrationPolicy, 'snapshotRetentionHours' | 'snapshotGenerations'>

export function retentionHoursMax({ snapshotRetentionHours, snapshotGenerations }: RetentionPolicy): number {
  return snapshotGenerations === undefined ? snapshotRetentionHours : longestHours(snapshotGenerations)
}

export function shownRetention({ snapshotRetentionHours, snapshotGenerations }: RetentionPolicy): string {
  return snapshotGenerations === undefined ? `${snapshotRetentionHours} h` : shownPolicy(snapshotGenerations)
}
