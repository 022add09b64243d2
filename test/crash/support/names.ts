import { createHash } from 'node:crypto'
import type { Scenario } from './scenarios'

/** An operation's id for a cell, within the 32 characters that are allowed: readable as far as there is room. */
export function operationFor({ name }: Scenario, place: string, how: string): string {
  const digest = createHash('sha256').update(place).digest('hex').slice(0, 5)
  const words = place
    .replace(/[^A-Za-z0-9]/g, '')
    .toLowerCase()
    .slice(0, 14)
  return `${name}-${how}-${words}-${digest}`
}
