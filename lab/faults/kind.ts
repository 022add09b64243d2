/** What there is to know of a kind of fault before one is ordered: what it is called, what it may be told, where it strikes. What
 *  it does is the simulated cloud's own (`lab/<cloud>/faults/`). */
import { parseDuration } from '../duration'
import type { SettingValue } from './fault'

export interface Setting {
  /** What would be right, as in 'a time, such as 5s'. */
  readonly wanted: string
  /** All that would be right, where that is a list. */
  readonly names?: readonly string[]
  /** Undefined: it need not be said. */
  readonly otherwise: SettingValue | undefined
  /** Undefined for what is none. */
  parse(value: unknown): SettingValue | undefined
  /** Another setting that cannot be given beside this one. */
  readonly excludes?: string
  /** It has to be given. */
  readonly required?: boolean
  /** Another setting that cannot have the same value. */
  readonly differsFrom?: string
}

export interface FaultKind {
  /** One line for people. */
  readonly summary: string
  /** Where it strikes: at calls alone; or at instances: then at once, or after a call when an operation is named; or at the network
   *  between two clouds, at once and as long as the fault stands; or at the next promotion of an instance. */
  readonly strikes: 'calls' | 'instances' | 'links' | 'promotions'
  /** Operations that it can strike; null: all. */
  readonly operations: readonly string[] | null
  /** How many calls it strikes unless told otherwise; null: as many as come. */
  readonly times: number | null
  /** Whether it can be told to wait before it does what it does. */
  readonly takesDelay: boolean
  /** What it does to an instance lasts: the order may say how long (`lasts`). */
  readonly lasts?: true
  readonly settings: Readonly<Record<string, Setting>>
}

export function time(otherwise?: number): Setting {
  return { wanted: 'a time above 0, such as 500ms, 5s or 10m', otherwise, parse: (value) => parseDuration(value) || undefined }
}

/** `maxMs`: so long, and no longer. */
export function timeWithin(maxMs: number, otherwise?: number): Setting {
  const within = (ms: number | undefined): number | undefined => (ms !== undefined && ms > 0 && ms <= maxMs ? ms : undefined)
  return { wanted: `a time from 1ms to ${maxMs}ms`, otherwise, parse: (value) => within(parseDuration(value)) }
}

export function oneOf(names: readonly string[], otherwise?: string): Setting {
  return { wanted: `one of: ${names.join(', ')}`, names, otherwise, parse: (value) => names.find((name) => name === value) }
}

export function text(lengthMax: number): Setting {
  const wanted = `a text of 1 to ${lengthMax} characters`
  return { wanted, otherwise: undefined, parse: (value) => (isText(value, lengthMax) ? value : undefined) }
}

export function count(otherwise?: number): Setting {
  return {
    wanted: 'a whole number, 1 or more',
    otherwise,
    parse: (value) => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? value : undefined),
  }
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= lengthMax
}
