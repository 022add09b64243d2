/** What creating and restoring have in common. */
import { randomBytes } from 'node:crypto'
import { invalidValue } from '../errors'
import type { Query } from '../protocol/query'

/** Immutable and never given twice, unlike the identifier. */
export function newResourceId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return `db-${[...randomBytes(26)].map((byte) => alphabet[byte % 32]).join('')}`
}

export function parseRetention(query: Query): number | undefined {
  const days = query.integer('BackupRetentionPeriod')
  if (days !== undefined && (days < 0 || days > 35)) {
    throw invalidValue(`Invalid backup retention period: ${days}. Must be between 0 and 35.`)
  }
  return days
}
