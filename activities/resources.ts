/** The ledger's list of what an operation made in its cloud. */
import type { OperationId } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'

/** Marks resources of a kind as removed, all of them or the named one. Safe to repeat. */
export async function recordRemoval(
  ledger: Ledger,
  which: { operation: OperationId; kind: string; name?: string },
): Promise<void> {
  const removedAt = new Date().toISOString()
  for (const resource of await ledger.listResources({ operation: which.operation })) {
    if (resource.kind !== which.kind || (which.name !== undefined && resource.name !== which.name)) continue
    await ledger.recordResource({ ...resource, removedAt })
  }
}
