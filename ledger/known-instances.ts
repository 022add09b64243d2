/** Which instances a database has had, by the plans of its operations. */
import { sql } from 'kysely'
import { RESTORE_DOCUMENTS } from '../contracts/restore'
import { SNAPSHOT_DOCUMENTS } from '../contracts/snapshot'
import { VERIFY_BACKUP_DOCUMENTS } from '../contracts/verify-backup'
import type { LedgerDatabase } from './connect'

/** Each was asked of the cloud, under the database's own entry. */
const PLANS = ['plan', SNAPSHOT_DOCUMENTS.plan, RESTORE_DOCUMENTS.plan, VERIFY_BACKUP_DOCUMENTS.plan]

/** Ids, in no order. The body is canonical JSON: in a text within it the quotes would be escaped. */
export async function listKnownInstances(
  db: LedgerDatabase,
  { database, cloud }: { database: string; cloud: string },
): Promise<string[]> {
  const rows = await db
    .selectFrom('documents')
    .innerJoin('operations', 'operations.id', 'documents.operation')
    .select(sql<string | null>`substring(ledger.documents.body FROM '"instanceId":"([^"\\\\]+)"')`.as('id'))
    .distinct()
    .where('operations.databases', '@>', sql<string[]>`array[${database}]`)
    .where('operations.cloud', '=', cloud)
    .where('documents.name', 'in', PLANS)
    .execute()
  return rows.flatMap(({ id }) => (id === null ? [] : [id]))
}
