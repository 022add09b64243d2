/** What the next verification of a database may cost, as far as plans tell. */
import { affordableMs, copyRate, costOf, type NoRate } from '../contracts/copy-cost'
import type { DatabaseEntry } from '../contracts/fleet'
import type { Micros } from '../contracts/money'
import type { OperationId } from '../contracts/operation'
import { isElsewhere, VERIFY_BACKUP_DOCUMENTS, type VerificationPlan, verificationLimitMs } from '../contracts/verify-backup'
import type { Ledger } from '../ledger/ledger'

/** What the next verification of a database costs at most. */
export type Quote = { readonly atMostMicros: Micros } | NoRate

/** No plan of it can be made now, and why. */
export interface Unplanned {
  readonly unplanned: string
}

/** By today's prices and limits, of the copy that was planned. */
export function quoteOf(entry: DatabaseEntry, { copy }: Pick<VerificationPlan, 'copy'>): Quote {
  const rate = copyRate(entry, copy)
  if ('lacking' in rate) return rate
  const limitMs = verificationLimitMs(entry)
  const cap = entry.verification?.costMicrosMax
  // A cap that pays for no copy is refused by the run's own plan.
  const withinMs = cap === undefined ? limitMs : affordableMs(rate, cap, limitMs)
  return { atMostMicros: withinMs === null ? 0 : costOf(rate, withinMs) }
}

const RUNS_LOOKED_AT_MAX = 50

/** By the newest plan that the ledger has of the database, where it is; null: it has none. */
export async function quoteFromLedger(ledger: Ledger, entry: DatabaseEntry): Promise<Quote | null> {
  const runs = await ledger.listOperations({ database: entry.name, kind: 'verify-backup', limit: RUNS_LOOKED_AT_MAX })
  for (const { id } of runs) {
    const plan = await planOf(ledger, id)
    if (plan !== null && !isElsewhere(plan.point)) return quoteOf(entry, plan)
  }
  return null
}

/** Null: it has none yet. */
export async function planOf(ledger: Ledger, operation: OperationId): Promise<VerificationPlan | null> {
  return (await ledger.getDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.plan })) as VerificationPlan | null
}
