/** Whose turn it is by the clock: the newest snapshot, or a moment. One after the other, since each run restores one copy and comes to one verdict. */
import type { Inertness } from '../../clouds/capabilities'
import type { OperationId } from '../../contracts/operation'
import { isElsewhere, type PlannedPoint, VERIFY_BACKUP_DOCUMENTS, type VerificationPlan } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import type { SettledPoint } from './point'

export interface Turn {
  readonly wanted: SettledPoint
  /** For people. */
  readonly why: string
}

export interface TurnQuestion {
  /** What the verification before restored, or was to; null: there was none. */
  readonly last: PlannedPoint['kind'] | null
  readonly hasSnapshot: boolean
  readonly hasWindow: boolean
  readonly inertCopy: { readonly fromSnapshot: Inertness; readonly toTime: Inertness }
  /** Somebody vouches for every point that is over. */
  readonly vouchedFor: boolean
}

/** Pure. */
export function turnOf({ last, hasSnapshot, hasWindow, inertCopy, vouchedFor }: TurnQuestion): Turn {
  const isInert = (inertness: Inertness): boolean => vouchedFor || inertness === 'before-first-start'
  const mayRestoreSnapshot = isInert(inertCopy.fromSnapshot)
  if (mayRestoreSnapshot && hasSnapshot && (last !== 'snapshot' || !hasWindow)) {
    return { wanted: { kind: 'newest' }, why: hasWindow ? after(last, 'a snapshot') : 'no moment can be restored' }
  }
  // Without either the newest snapshot is what is missed.
  if (!hasWindow) return { wanted: { kind: mayRestoreSnapshot ? 'newest' : 'now' }, why: 'nothing can be restored' }
  const why = !mayRestoreSnapshot
    ? 'a snapshot runs here before it is inert'
    : hasSnapshot
      ? after(last, 'a moment')
      : 'there is no snapshot'
  if (isInert(inertCopy.toTime)) return { wanted: { kind: 'random' }, why: `${why}; drawn at random` }
  const unvouched = 'one that is over runs here before it is inert, and nobody vouches for it'
  return { wanted: { kind: 'now' }, why: `${why}; one of its own, since ${unvouched}` }
}

function after(last: TurnQuestion['last'], turn: string): string {
  if (last === null) return `${turn}’s turn, the first`
  return `${turn}’s turn, after ${last === 'snapshot' ? 'a snapshot' : 'a moment'}`
}

/** More runs that restored nothing in a row are as good as none. */
const LOOKED_AT_MAX = 50

/** What the one before was to restore of what is at home, whatever became of it: a kind whose restores never end must not keep the other from its turn. */
export async function lastPoint(
  ledger: Ledger,
  { operation, database, instanceId }: { operation: OperationId; database: string; instanceId: string },
): Promise<PlannedPoint['kind'] | null> {
  const runs = await ledger.listOperations({ database, kind: 'verify-backup', mode: 'apply', limit: LOOKED_AT_MAX })
  for (const { id } of runs.filter((run) => run.id !== operation)) {
    const plan = (await ledger.getDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.plan })) as VerificationPlan | null
    if (plan !== null && plan.instanceId === instanceId && !isElsewhere(plan.point)) return plan.point.kind
  }
  return null
}
