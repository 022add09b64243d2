/** Times as people write them: 500ms, 5s, 10m, 1h, 2d. A bare number is milliseconds. */
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** What a timer of Node can hold: it strikes at once when told more. */
export const TIMER_MAX_MS = 2 ** 31 - 1

/** What is longer is no time either: adding it to a date may leave no date. */
const LONGEST_MS = 366 * UNITS.d

/** Milliseconds, or undefined for what is no time, or longer than 366 days. */
export function parseDuration(value: unknown): number | undefined {
  const ms = millisecondsOf(value)
  return ms !== undefined && ms <= LONGEST_MS ? ms : undefined
}

function millisecondsOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined
  const found = typeof value === 'string' ? /^(\d{1,9}(?:\.\d{1,3})?) *(ms|s|m|h|d)?$/.exec(value) : null
  if (!found) return undefined
  return Math.round(Number(found[1]) * UNITS[(found[2] ?? 'ms') as keyof typeof UNITS])
}
