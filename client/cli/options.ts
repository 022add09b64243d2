/** Options that several commands share, and the values they take. */
import { InvalidArgumentError, Option } from 'commander'
import { parseDurationMs } from '../fleet/units'

export function durationMs(text: string): number {
  const value = parseDurationMs(text)
  if (value === null) throw new InvalidArgumentError('It must be a time with its unit, such as 90s or 30m.')
  return value
}

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number above 0.')
  return value
}

export const jsonOption = (): Option => new Option('--json', 'one JSON document on standard output, nothing else')
export const fleetOption = (): Option =>
  new Option('--fleet <file>', 'the fleet file (default: CAPSTAN_FLEET, or the embedded default’s)')
export const byOption = (): Option => new Option('--by <name>', 'who decides, for the record (default: your user name)')
export const waitTimeoutOption = (): Option =>
  new Option('--wait-timeout <time>', 'how long to wait for an approval; then exit 8')
    .argParser(durationMs)
    .default(30 * 60_000, '30m')

/** `Example:` below a command's help. */
export function example(...lines: string[]): string {
  return `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
}
