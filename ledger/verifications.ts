/** What the verifications of a database's backups came to, out of the record of the operations. */
import { VERIFY_BACKUP_DOCUMENTS, type Verification } from '../contracts/verify-backup'
import type { Ledger } from './ledger'

/** Newest first; of the last `limit` operations, those that came to a verdict. `database`: name in the fleet file. */
export async function listVerifications(
  ledger: Ledger,
  { database, limit }: { database: string; limit: number },
): Promise<Verification[]> {
  const operations = await ledger.listOperations({ database, kind: 'verify-backup', limit })
  const found: Verification[] = []
  for (const { id } of operations) {
    const held = await ledger.getDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.verification })
    if (held !== null) found.push(held as Verification)
  }
  return found
}
