/** A closed database of which all was had before anybody writes elsewhere, and that nobody is let into again: what a source is that writing moves away from for good.
 *  That the barrier was passed is written beside it as it is of one that workers are let into (workers-only.ts), by the limit to put back: so whoever comes later,
 *  with no ledger to ask, tells it from one that was merely closed. docs/decisions/0036-nobody-writes-on-the-old-writer.md. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { inFencedTransaction } from '../migrate/fence'
import { othersInside, type WorkersOnlyInput } from './workers-only'

/** `session`: in the keyhole. Safe to repeat. Throws FENCE_NOT_PROVEN where the operation does not keep it closed, FENCED_OFF. */
export async function recordPassed(session: Session, { raisedBy, database, token }: WorkersOnlyInput): Promise<void> {
  await inFencedTransaction(session, token, async () => {
    const found = await session.query(
      `UPDATE capstan.closed_database c SET connection_limit = coalesce(c.connection_limit, d.datconnlimit) FROM pg_catalog.pg_database d
        WHERE d.oid = c.oid AND d.datname = $1 AND c.operation = $2 AND NOT d.datallowconn RETURNING c.oid`,
      [database, raisedBy],
    )
    if (found.length > 0) return
    throw failure('FENCE_NOT_PROVEN', `${database} is not closed by ${raisedBy} any more.`, { database })
  })
}

/** What speaks against it that the operation keeps the database closed, its barrier being passed, by the catalog, a sentence each; none: it does. `session`: in the
 *  keyhole. Reads only. */
export async function notPassed(
  session: Session,
  { raisedBy, database }: Pick<WorkersOnlyInput, 'raisedBy' | 'database'>,
): Promise<string[]> {
  const [found] = await session.query<{ open: boolean; ours: boolean }>(
    `SELECT d.datallowconn AS open, c.connection_limit IS NOT NULL AS ours
       FROM pg_catalog.pg_database d LEFT JOIN capstan.closed_database c ON c.oid = d.oid AND c.operation = $2 WHERE d.datname = $1`,
    [database, raisedBy],
  )
  if (found === undefined) return [`there is no database ${database}`]
  return [
    ...(found.ours ? [] : [`${database} is not closed by ${raisedBy} any more, or its barrier was not passed`]),
    ...(found.open ? [`${database} takes connections`] : []),
  ]
}

/** Whoever left a moment ago may still be seen. Short: who asks may have been given little time. */
const LEAVING_MS = 500

/** As `notPassed`, and that nobody is inside: a flag turns newcomers away, and ends nobody who came in while somebody had it opened. */
export async function notLeft(
  session: Session,
  { raisedBy, database }: Pick<WorkersOnlyInput, 'raisedBy' | 'database'>,
): Promise<string[]> {
  const against = await notPassed(session, { raisedBy, database })
  const inside = await othersInside(session, database, { waitMs: LEAVING_MS })
  return [...against, ...(inside === null ? [] : [inside])]
}

/** What a person says of one that was opened, or has somebody inside. */
export function shutAndEmpty(database: string): string {
  return `ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS false, then SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.replaceAll("'", "''")}'`
}
