/** What a verification costs at most, and how much time its cap leaves it. Refused before anything costs. */
import { affordableMs, type CopyRate, copyRate, costOf, costOfCopies, type NoRate } from '../../contracts/copy-cost'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Micros, shownMoney } from '../../contracts/money'
import type { IsoInstant, OperationId } from '../../contracts/operation'
import {
  type PlannedCost,
  type ReckonedCost,
  VERIFY_BACKUP_DOCUMENTS,
  type VerificationPlan,
} from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import type { NeededTime } from './history'

interface Costing {
  readonly database: DatabaseEntry
  readonly copy: VerificationPlan['copy']
  readonly askedMs: number
  /** As long as the last one of its kind of point took; null: there was none. */
  readonly expectedMs: number | null
  readonly needed: NeededTime
}

/** Fails with PRICE_MISSING or COST_TOO_HIGH where a cap is declared that cannot be kept. */
export function costed({ database, copy, askedMs, expectedMs, needed }: Costing): {
  withinMs: number
  cost?: PlannedCost | NoRate
} {
  const { prices, verification } = database
  const capMicros = verification?.costMicrosMax ?? null
  if (prices === undefined && capMicros === null) return { withinMs: askedMs }
  const rate = copyRate(database, copy)
  if ('lacking' in rate) {
    if (capMicros === null) return { withinMs: askedMs, cost: rate }
    const message = `What a verification of ${database.name} costs cannot be held against verification.maxCost: ${rate.lacking}. Declare it, or leave maxCost out.`
    throw failure('PRICE_MISSING', message, { database: database.name, instanceClass: copy.instanceClass })
  }
  const withinMs = capMicros === null ? askedMs : underCap(rate, { database, capMicros, askedMs, needed })
  return {
    withinMs,
    cost: {
      rate,
      atMostMicros: costOf(rate, withinMs),
      aboutMicros: expectedMs === null ? null : costOf(rate, expectedMs),
      capMicros,
      shortenedFromMs: withinMs < askedMs ? askedMs : null,
    },
  }
}

interface UnderCap extends Pick<Costing, 'database' | 'askedMs' | 'needed'> {
  readonly capMicros: Micros
}

/** A run whose time is known to be too short would cost its cap and prove nothing. */
function underCap(rate: CopyRate, { database, capMicros, askedMs, needed }: UnderCap): number {
  const withinMs = affordableMs(rate, capMicros, askedMs)
  const lacks = whatLacks(rate, { withinMs, askedMs, needed })
  if (withinMs !== null && lacks === null) return withinMs
  const { name } = database
  const pays = withinMs === null ? 'pays for no copy at all' : `pays for ${inMinutes(withinMs)} of a copy`
  const message = `verification.maxCost of ${name}, ${shownMoney(capMicros, rate.currency)}, ${pays} of class ${rate.instanceClass} with ${rate.sizeGib} GiB, and ${lacks}. Allow more, or let copies be of a smaller class.`
  throw failure('COST_TOO_HIGH', message, { database: name, capMicros, instanceClass: rate.instanceClass })
}

/** Null: the time is enough, as far as is known. What the cap takes nothing of is limited otherwise, and no matter of money. */
function whatLacks(
  rate: CopyRate,
  { withinMs, askedMs, needed: { tookMs, ranOutOfMs } }: { withinMs: number | null; askedMs: number; needed: NeededTime },
): string | null {
  if (withinMs === null) return `the shortest that is billed costs ${shownMoney(costOf(rate, 1_000), rate.currency)}`
  if (withinMs >= askedMs) return null
  if (ranOutOfMs !== null && withinMs <= ranOutOfMs) {
    return `the last two verifications of its kind were not over after ${inMinutes(ranOutOfMs)}, which begin before the copy`
  }
  if (tookMs === null || withinMs >= tookMs) return null
  return `the last verification of its kind took ${inMinutes(tookMs)} with what comes before its copy, for which time one costs ${shownMoney(costOf(rate, tookMs), rate.currency)}`
}

function inMinutes(ms: number): string {
  return ms < 60_000 ? `${Math.floor(ms / 1_000)} s` : `${Math.floor(ms / 60_000)} min`
}

/** Writes what the operation is reckoned to have cost into its record, if it is a verification with prices that asked for a copy. Safe to repeat. */
export async function reckonCost(ledger: Ledger, { operation, at }: { operation: OperationId; at: IsoInstant }): Promise<void> {
  const plan = (await ledger.getDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.plan })) as VerificationPlan | null
  if (plan?.cost === undefined || 'lacking' in plan.cost) return
  const copies = (await ledger.listResources({ operation })).filter(({ kind }) => kind === 'instance')
  if (copies.length === 0) return
  const { rate, atMostMicros, capMicros } = plan.cost
  const cost: ReckonedCost = {
    version: 1,
    micros: costOfCopies(rate, copies, Date.parse(at)),
    currency: rate.currency,
    rate,
    atMostMicros,
    capMicros,
    at,
    goesOn: copies.some(({ removedAt }) => removedAt === null),
  }
  await ledger.putDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.cost, document: cost })
}
