/** Checks the five fields of a cron expression, so that a mistake is told by its field, and before anything is contacted. When it is due next is
 *  Temporal's to say. */

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Words for the values from `min` on. */
  readonly words: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const FIELDS = [
  { name: 'minute', min: 0, max: 59, words: [] },
  { name: 'hour', min: 0, max: 23, words: [] },
  { name: 'day of the month', min: 1, max: 31, words: [] },
  { name: 'month', min: 1, max: 12, words: MONTHS },
  { name: 'day of the week', min: 0, max: 6, words: DAYS },
] as const satisfies readonly Field[]

const MINUTES_A_DAY = 1_440
/** Of a leap year. */
const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export type CheckedCron = { readonly shortestGapMs: number } | { readonly rule: string }

/** `rule`: what is wrong, and what would be right. */
export function checkCron(cron: string): CheckedCron {
  const texts = cron.split(' ')
  if (texts.length !== FIELDS.length || texts.includes('')) {
    return { rule: 'it must be five fields with a space between: minute, hour, day of the month, month, day of the week' }
  }
  const values = FIELDS.map((field, at) => valuesOf(texts[at] ?? '', field))
  const mistaken = FIELDS[values.indexOf(null)]
  if (mistaken !== undefined) return { rule: `its ${mistaken.name} must be ${allowed(mistaken)}` }
  const [minutes, hours, days, months] = values as [Set<number>, Set<number>, Set<number>, Set<number>]
  // cron runs on either, Temporal on both.
  if (texts[2] !== '*' && texts[4] !== '*') {
    return { rule: 'it must leave the day of the month or the day of the week as *: together they are read in two ways' }
  }
  const everDue = [...months].some((month) => [...days].some((day) => day <= (DAYS_OF_MONTH[month - 1] ?? 0)))
  if (!everDue) return { rule: 'its day of the month must be one that its month has' }
  return { shortestGapMs: shortestGap(minutes, hours) * 60_000 }
}

/** The values of each field in their order; of an expression that was checked. */
export function cronValues(cron: string): readonly (readonly number[])[] {
  const texts = cron.split(' ')
  return FIELDS.map((field, at) => [...(valuesOf(texts[at] ?? '', field) ?? [])].sort((a, b) => a - b))
}

function allowed({ min, max, words }: Field): string {
  const named = words.length === 0 ? '' : ` or ${words[0]} to ${words.at(-1)}`
  return `${min} to ${max}${named}, *, a list such as 1,3, a range such as 1-5, or steps such as */2`
}

/** Null: not as cron has it. */
function valuesOf(text: string, field: Field): ReadonlySet<number> | null {
  const values = new Set<number>()
  for (const part of text.toLowerCase().split(',')) {
    const [, first, last, step] = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/([0-9]{1,2}))?$/.exec(part) ?? []
    if (first === undefined || (first === '*' && last !== undefined)) return null
    const from = first === '*' ? field.min : valueIn(first, field)
    // `5/10` goes on to the end, as cron and Temporal read it.
    const open = first === '*' || (last === undefined && step !== undefined)
    const to = last === undefined ? (open ? field.max : from) : valueIn(last, field)
    const by = step === undefined ? 1 : Number(step)
    if (from === null || to === null || from > to || by === 0) return null
    for (let value = from; value <= to; value += by) values.add(value)
  }
  return values
}

function valueIn(text: string, { min, max, words }: Field): number | null {
  const word = words.indexOf(text)
  if (word >= 0) return min + word
  const value = /^[0-9]{1,2}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : null
}

/** In minutes, on a day on which it runs; once a day counts as a day. */
function shortestGap(minutes: ReadonlySet<number>, hours: ReadonlySet<number>): number {
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute)).sort((a, b) => a - b)
  const [first = 0] = times
  return Math.min(...times.map((time, at) => (times[at + 1] ?? first + MINUTES_A_DAY) - time))
}
