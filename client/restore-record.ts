/** Whether a backup of a database was ever restored and looked at, as far as the ledger's record goes. */
import type { IsoInstant, OperationDocument, OperationId } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'

export interface ProvenRestore {
  readonly operation: OperationId
  readonly at: IsoInstant
}

/** How far back the record is read. */
const OPERATIONS_MAX = 200

/** The newest restore whose checks all passed: a migration restores a snapshot as its canary. `database`: name in the fleet file. Fails as
 *  the ledger does. */
export async function lastProvenRestore(ledger: Ledger, database: string): Promise<ProvenRestore | null> {
  const operations = await ledger.listOperations({ database, kind: 'migrate', limit: OPERATIONS_MAX })
  return operations.map(proofOf).find((proof) => proof !== null) ?? null
}

function proofOf({ id, steps }: OperationDocument): ProvenRestore | null {
  const checked = steps.find(({ id: step }) => step === 'check-canary')
  if (checked?.state !== 'done' || checked.finishedAt === null || (checked.detail.findings ?? []).length > 0) return null
  return { operation: id, at: checked.finishedAt }
}
