/** What an operation restored may have taken its instance's place. The ledger says so before anything of it is done, and whatever the cloud's tags
 *  still say: a tag may have been refused, or left out by a person. */
import { failure } from '../contracts/failures'
import { FINAL_STATUSES, type OperationDocument, type OperationId, pointOfNoReturn } from '../contracts/operation'
import { REPLACE_DOCUMENTS } from '../contracts/replace'
import type { Ledger } from '../ledger/ledger'

export async function tookOver(ledger: Pick<Ledger, 'getDocument' | 'getOperation'>, operation: OperationId): Promise<boolean> {
  if ((await ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.tookOver })) !== null) return true
  const recorded = await ledger.getOperation(operation)
  return recorded !== null && wasLostOnItsWay(recorded)
}

/** Past its point of no return an operation says at once what took over. One that was lost in between is closed by a person, who was told to lead
 *  the endpoint to the copy. While its record is open its own undos know better, and nobody else removes anything of it. */
function wasLostOnItsWay(recorded: OperationDocument): boolean {
  return recorded.kind === 'replace' && FINAL_STATUSES.includes(recorded.status) && pointOfNoReturn(recorded) !== null
}

/** Before anything that would be right for a copy alone. `so`: what therefore stays. @throws RESOURCE_NOT_OURS. */
export async function assertStillACopy(ledger: Ledger, operation: OperationId, so: string): Promise<void> {
  if (!(await tookOver(ledger, operation))) return
  const message = `What ${operation} restored has taken its instance's place: it is production, and ${so}.`
  throw failure('RESOURCE_NOT_OURS', message, { operation })
}
