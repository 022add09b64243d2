/** The fencing epoch that an operation writes under. */
import type { LockRef } from '../../contracts/lock'
import type { OperationId } from '../../contracts/operation'
import type { ActivityDeps } from '../deps'

/** A target that was restored from elsewhere, or that another ledger served before, may have a fence higher than our counter knows. */
export async function epochAbove(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  operation: OperationId,
  lock: LockRef | null,
  standing: number,
): Promise<number> {
  if (lock === null || standing < lock.epoch) return lock?.epoch ?? 0
  return ledger.nextEpoch({ scope: lock.scope, operation, above: standing })
}
