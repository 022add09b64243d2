/** What an operation restored may have taken its instance's place. The ledger says so before anything of it is done, and whatever the cloud's tags
 *  still say: a tag may have been refused, or left out by a person. */
import { failure } from '../contracts/failures'
import type { OperationId } from '../contracts/operation'
import { REPLACE_DOCUMENTS } from '../contracts/replace'
import type { Ledger } from '../ledger/ledger'

export async function tookOver(ledger: Pick<Ledger, 'getDocument'>, operation: OperationId): Promise<boolean> {
  return (await ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.tookOver })) !== null
}

/** Before anything that would be right for a copy alone. `so`: what therefore stays. @throws RESOURCE_NOT_OURS. */
export async function assertStillACopy(ledger: Ledger, operation: OperationId, so: string): Promise<void> {
  if (!(await tookOver(ledger, operation))) return
  const message = `What ${operation} restored has taken its instance's place: it is production, and ${so}.`
  throw failure('RESOURCE_NOT_OURS', message, { operation })
}
