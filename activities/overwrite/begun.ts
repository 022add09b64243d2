/** Whether the instance of an operation was overwritten, or may have been. The ledger says so before the cloud is told, so that a workflow that was reset to
 *  before that knows it too. */
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { OVERWRITE_DOCUMENTS, wayBack } from '../../contracts/overwrite'
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

/** Before an undo opens anything: whoever came in would find what nobody has looked at, or write into what is about to be overwritten.
 *  @throws PLAN_DRIFTED, for a person. */
export async function assertMayReopen(
  ledger: Pick<Ledger, 'getDocument'>,
  { operation, database }: { operation: OperationId; database: string },
): Promise<void> {
  if (!(await hasBegun(ledger, operation))) return
  const back = wayBack(operation, database)
  const message = `${operation} has begun to overwrite its instance already, and is no longer where it did. Whether the instance holds what it held, the snapshot or neither, and whether its networks and databases are open or closed, is not known: nothing was opened. Look whether a restore of it is still going on, then what it holds and whom it lets in; open what is to be open by hand, and resolve this with done or skip. The way back to what it held, once this operation has ended: ${back}`
  throw failure('PLAN_DRIFTED', message, { operation })
}
