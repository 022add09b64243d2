/** Measurements from before a change must be taken once: a repeat after a kill would measure the changed world. */
import type { OperationId } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'

export async function rememberOnce<T>(
  ledger: Ledger,
  at: { operation: OperationId; name: string },
  measure: () => Promise<T>,
): Promise<T> {
  const held = (await ledger.getDocument(at)) as T | null
  if (held !== null) return held
  const document = await measure()
  // Insert-if-absent: a stale attempt that measured late gets what the first one kept.
  return (await ledger.putDocumentOnce({ ...at, document })) as T
}
