/** Once a copy may have been damaged on purpose no rung judges it any more: after a reset of the workflow they are all asked again, of the same copy. */
import type { OperationId } from '../../contracts/operation'
import type { Rung, RungId } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'

/** Not among the documents that the evidence repeats: it is a mark, and says nothing. */
const NAME = 'control-begun'

/** To be called before the first damage. Safe to repeat. */
export async function beginControl(ledger: Ledger, operation: OperationId): Promise<void> {
  await ledger.putDocumentOnce({ operation, name: NAME, document: { version: 1 } })
}

/** What a rung that the damage is meant for says of such a copy; null: the copy is as it was restored. */
export async function damagedOnPurpose(ledger: Ledger, operation: OperationId, id: RungId): Promise<Rung | null> {
  if ((await ledger.getDocument({ operation, name: NAME })) === null) return null
  const summary = 'the copy was damaged on purpose before'
  return { id, outcome: 'not-proven', findings: [], summary, durationMs: 0 }
}
