/** Options that several commands share, and the values they take. */
import { InvalidArgumentError, Option } from 'commander'
import type { IsoInstant } from '../../contracts/operation'
import { nearest } from '../fleet/suggest'
import { parseDurationMs } from '../fleet/units'

const COUNT_MAX = 1_000_000

export function durationMs(text: string): number {
  const value = parseDurationMs(text)
  if (value === null) throw new InvalidArgumentError('It must be a time with its unit, such as 90s or 30m.')
  return value
}

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= COUNT_MAX) return value
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${COUNT_MAX}.`)
}

/** For the record: a reason that says nothing is none. */
export function someText(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('It must say something.')
}

/** A name, quoted where PostgreSQL would need it. */
const NAME = '(?:"(?:[^"]|"")+"|[^".\\s]+)'
const QUALIFIED = new RegExp(`^${NAME}\\.${NAME}$`)

export function qualifiedTable(text: string): string {
  if (QUALIFIED.test(text)) return text
  throw new InvalidArgumentError('It must be a table as schema.table, such as public.orders.')
}

export function planDigest(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new InvalidArgumentError('It must be the whole digest: 64 hexadecimal digits in lower case.')
  return text
}

/** A time before now with its unit, or an instant. Resolves to an instant. */
export function since(text: string): IsoInstant {
  const ago = parseDurationMs(text)
  const instant = ago === null ? instantOf(text) : Date.now() - ago
  const date = new Date(instant)
  if (!Number.isNaN(date.getTime()) && date.getFullYear() > 0 && date.getFullYear() < 10_000) return date.toISOString()
  throw new InvalidArgumentError(
    'It must be a time ago, such as 90m or 7d, or an instant in UTC, such as 2026-11-23 or 2026-11-23T03:00Z.',
  )
}

function instantOf(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/.test(text)) return Number.NaN
  const instant = Date.parse(text)
  // The thirtieth of February would be the second of March.
  const same = !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text.slice(0, 10))
  return same ? instant : Number.NaN
}

/** Words joined by commas, the option given several times, or both. */
export function oneOrMoreOf<T extends string>(known: readonly T[]): (text: string, before: readonly T[] | undefined) => T[] {
  return (text, before) => {
    const words = text.split(',').map((word) => {
      const found = known.find((one) => one === word.trim())
      if (found !== undefined) return found
      const meant = nearest(word.trim(), known)
      throw new InvalidArgumentError(meant === null ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`)
    })
    return [...new Set([...(before ?? []), ...words])]
  }
}

export const jsonOption = (): Option => new Option('--json', 'one JSON document on standard output, nothing else')
export const fleetOption = (): Option =>
  new Option('--fleet <file>', 'the fleet file (default: CAPSTAN_FLEET, or the embedded default’s)')
export const eventsOption = (): Option =>
  new Option('--events', 'one JSON document a line, whenever the operation changes; the last one is its end').conflicts('json')
export const byOption = (): Option => new Option('--by <name>', 'who decides, for the record (default: your user name)')
export const dormantOption = (): Option =>
  new Option(
    '--was-dormant',
    'you know that at that moment no subscription was enabled in the instance and no job scheduled: asked for where a copy runs before it is inert',
  )
export const waitTimeoutOption = (): Option =>
  new Option('--wait-timeout <time>', 'how long to wait for an approval; then exit 8')
    .argParser(durationMs)
    .default(30 * 60_000, '30m')

/** `Example:` below a command's help. */
export function example(...lines: string[]): string {
  return `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
}
