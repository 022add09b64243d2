/** What is on a server's disk, as far as PostgreSQL tells it: all of its databases, and its log. */
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'

export interface DiskUse {
  readonly used: number
  /** Of the database that the session is in. */
  readonly database: number
  /** max_wal_size: what the log grows to beside it. */
  readonly log: number
  /** Of the log, what there is. */
  readonly logNow: number
}

const USED = `SELECT ((SELECT sum(pg_catalog.pg_database_size(oid)) FROM pg_catalog.pg_database) + wal.bytes)::int8 AS used,
         pg_catalog.pg_database_size(pg_catalog.current_database()) AS database,
         (SELECT setting::int8 * 1024 * 1024 FROM pg_catalog.pg_settings WHERE name = 'max_wal_size') AS log,
         wal.bytes AS "logNow"
  FROM (SELECT coalesce(sum(size), 0)::int8 AS bytes FROM pg_catalog.pg_ls_waldir()) wal`

/** Null: the role may not ask; pg_monitor may. */
export async function diskUse(session: Session): Promise<DiskUse | null> {
  try {
    const [row] = await session.query<{ used: number; database: number; log: number; logNow: number }>(USED)
    return row ?? null
  } catch (error) {
    if (error instanceof ServerError) return null
    throw error
  }
}
