/** That writing has moved away from a database, in the keyhole beside it. It is written in a transaction that looks at the fence, so that it is never said of
 *  a database that somebody has opened meanwhile; and it is there for whoever comes later with a ledger that does not know, or with a workflow that was set
 *  back. It goes once writing has moved to that database again. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { type FenceToken, inFencedTransaction } from '../migrate/fence'
import { NOBODY } from './workers-only'

export interface MovedAway {
  /** By which it moved. */
  readonly operation: string
  /** Fleet name of the database that is written to since. */
  readonly writer: string
}

interface MovedAwayInput extends MovedAway {
  readonly database: string
  /** The one that stands in the keyhole. */
  readonly token: FenceToken
  /** Of one that stays closed: its barrier has to have been passed as well (passed.ts). */
  readonly passed?: boolean | undefined
}

/** `session`: in the keyhole. Null: it has not, as far as is written there. Reads only. */
export async function readMovedAway(session: Session, database: string): Promise<MovedAway | null> {
  const [table] = await session.query<{ there: boolean }>(
    `SELECT pg_catalog.to_regclass('capstan.moved_away') IS NOT NULL AS there`,
  )
  if (table?.there !== true) return null
  const [row] = await session.query<MovedAway & Record<string, unknown>>(
    `SELECT m.operation, m.writer FROM capstan.moved_away m JOIN pg_catalog.pg_database d ON d.oid = m.oid WHERE d.datname = $1`,
    [database],
  )
  return row ?? null
}

export interface OldWriter extends MovedAway {
  readonly oid: number
  readonly database: string
  /** It takes no connections. */
  readonly closed: boolean
}

/** Of all databases of the instance. `session`: in the keyhole; none, where that is another's. Reads only. */
export async function oldWriters(session: Session): Promise<readonly OldWriter[]> {
  const [table] = await session.query<{ readable: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'capstan' AND c.relname = 'moved_away' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
         AND pg_catalog.has_table_privilege(c.oid, 'SELECT')) AS readable`,
  )
  if (table?.readable !== true) return []
  return session.query<OldWriter & Record<string, unknown>>(
    `SELECT d.oid::bigint AS oid, d.datname::text AS database, NOT d.datallowconn AS closed, m.operation, m.writer
       FROM capstan.moved_away m JOIN pg_catalog.pg_database d ON d.oid = m.oid ORDER BY 2`,
  )
}

/** `session`: in the keyhole. Where it stands there by this operation already, it stays, whatever was opened since. Safe to repeat. Throws FENCE_NOT_PROVEN where
 *  the database is not closed to all but workers by this operation, or `passed` is not so: whoever opened it may write there; FENCED_OFF. */
export async function recordMovedAway(session: Session, input: MovedAwayInput): Promise<void> {
  const { operation, writer, database, token, passed = false } = input
  await inFencedTransaction(session, token, async () => {
    const recorded = await session.query(
      `WITH held AS (SELECT m.oid FROM capstan.moved_away m JOIN pg_catalog.pg_database d ON d.oid = m.oid WHERE d.datname = $1 AND m.operation = $2),
            put AS (INSERT INTO capstan.moved_away (oid, operation, writer)
       SELECT d.oid, $2, $3 FROM pg_catalog.pg_database d JOIN capstan.closed_database c ON c.oid = d.oid AND c.operation = $2
        WHERE d.datname = $1 AND (NOT d.datallowconn OR d.datconnlimit = ${NOBODY}) AND NOT EXISTS (SELECT FROM held)
          AND ($4::boolean IS FALSE OR c.connection_limit IS NOT NULL)
       ON CONFLICT (oid) DO UPDATE SET operation = excluded.operation, writer = excluded.writer, at = now()
       RETURNING oid)
       SELECT oid FROM held UNION ALL SELECT oid FROM put`,
      [database, operation, writer, passed],
    )
    if (recorded.length > 0) return
    throw failure(
      'FENCE_NOT_PROVEN',
      `${database} is not closed by ${operation} any more, so that it may be written to: writing does not move to ${writer}. Find out what was written there since, or start the operation anew.`,
      { database, operation },
    )
  })
}

/** `session`: in the keyhole. Writing has moved to it again. Safe to repeat. Throws FENCED_OFF. */
export async function forgetMovedAway(
  session: Session,
  { database, token }: Pick<MovedAwayInput, 'database' | 'token'>,
): Promise<void> {
  await inFencedTransaction(session, token, async () => {
    await session.query(
      'DELETE FROM capstan.moved_away m USING pg_catalog.pg_database d WHERE d.oid = m.oid AND d.datname = $1',
      [database],
    )
  })
}
