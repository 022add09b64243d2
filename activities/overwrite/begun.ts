/** Whether the instance of an operation was overwritten, or may have been. The ledger says so before the cloud is told, so that a workflow that was reset to
 *  before that knows it too. */
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { OVERWRITE_DOCUMENTS } from '../../contracts/overwrite'
import type { Ledger } from '../../ledger/ledger'

export async function hasBegun(ledger: Pick<Ledger, 'getDocument'>, operation: OperationId): Promise<boolean> {
  return (await ledger.getDocument({ operation, name: OVERWRITE_DOCUMENTS.begun })) !== null
}

/** Before anything that is right for what was there before alone. @throws PLAN_DRIFTED. */
export async function assertNotBegun(ledger: Pick<Ledger, 'getDocument'>, operation: OperationId): Promise<void> {
  if (!(await hasBegun(ledger, operation))) return
  const message = `${operation} has begun to overwrite its instance already: what is in there now it neither closes nor backs up.`
  throw failure('PLAN_DRIFTED', message, { operation })
}
