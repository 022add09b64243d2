/** Whether a temporary instance was ever seen. The answer to the call that made it may be lost, and a cloud may list what it makes only after a
 *  while: until then, that nothing is listed does not say that nothing is there. */
import type { OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'

const documentOf = (instance: string): string => `seen-${instance}`

/** Safe to repeat, and after the operation's end. */
export async function rememberSeen(ledger: Ledger, operation: OperationId, instance: string): Promise<void> {
  await ledger.putDocumentOnce({ operation, name: documentOf(instance), document: { version: 1, instance } })
}

/** What the operation began, as far as the ledger knows, and nobody has seen or removed since; null: nothing. */
export async function unseenInstance(ledger: Ledger, operation: OperationId): Promise<string | null> {
  for (const { kind, name, removedAt } of await ledger.listResources({ operation })) {
    if (kind !== 'instance' || removedAt !== null) continue
    if ((await ledger.getDocument({ operation, name: documentOf(name) })) === null) return name
  }
  return null
}
