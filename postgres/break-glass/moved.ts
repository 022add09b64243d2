/** That writing has moved away from a database, as a switchover writes it down in the keyhole beside it: whoever goes on by hand says the same there, and takes it
 *  back. A keyhole that was furnished before there was such a table has nothing to say. */
import { inTransaction } from '../connect/session'
import { assertFence } from '../migrate/fence'
import type { Keyhole } from './sides'

async function whereKept({ session, token }: Keyhole, sql: string, values: readonly string[]): Promise<void> {
  const [table] = await session.query<{ there: boolean }>(
    `SELECT pg_catalog.to_regclass('capstan.moved_away') IS NOT NULL AS there`,
  )
  if (table?.there !== true) return
  await inTransaction(session, async () => {
    await assertFence(session, token)
    await session.query(sql, values)
  })
}

/** Of the old writer, while it is closed. Safe to repeat. Throws FENCED_OFF. */
export function sayMovedAway(
  keyhole: Keyhole,
  { database, operation, writer }: { readonly database: string; readonly operation: string; readonly writer: string },
): Promise<void> {
  const sql = `INSERT INTO capstan.moved_away (oid, operation, writer) SELECT d.oid, $2, $3 FROM pg_catalog.pg_database d WHERE d.datname = $1
    ON CONFLICT (oid) DO UPDATE SET operation = excluded.operation, writer = excluded.writer, at = now()`
  return whereKept(keyhole, sql, [database, operation, writer])
}

/** Of whoever is the writer. Safe to repeat. Throws FENCED_OFF. */
export function forgetMovedAway(keyhole: Keyhole, database: string): Promise<void> {
  const sql = 'DELETE FROM capstan.moved_away m USING pg_catalog.pg_database d WHERE d.oid = m.oid AND d.datname = $1'
  return whereKept(keyhole, sql, [database])
}
