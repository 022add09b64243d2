/** Damage done to a restored copy on purpose, so that a proof which does not notice it is known to be worthless. Each statement names the server
 *  that it is meant for and does nothing on another one: the migrations' role logs in on production with the same password. */
import { quoteQualified } from '../connect/quote'
import { inTransaction, type Session } from '../connect/session'
import { isOld } from '../verify/horizon'
import type { Beat } from './heartbeat'

/** Which process of PostgreSQL this is: when it was started, to the microsecond. */
export async function serverMark(session: Session): Promise<string> {
  const [row] = await session.query<{ mark: string }>(`SELECT ${MARK} AS mark`)
  if (row === undefined) throw new Error('a SELECT without FROM answered no row')
  return row.mark
}

const MARK = `extract(epoch FROM pg_postmaster_start_time())::text`

interface Deletable extends Record<string, unknown> {
  readonly oid: number
  readonly schema: string
  readonly table: string
}

/** In which nothing runs when a row is deleted: a trigger or a rule may reach out of the copy, and a foreign key may be one of another table with a
 *  trigger. */
const DELETABLE = `
  SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS table
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = ANY ($1::bigint[]) AND c.relkind = 'r' AND NOT c.relrowsecurity AND NOT c.relhasrules
     AND has_table_privilege(c.oid, 'DELETE') AND has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
     AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgtype & 8 <> 0)`

export interface DamageRequest {
  /** Of the tables in which a row may be deleted, the most welcome first. */
  readonly oids: readonly number[]
  /** Only a row from before it: no other is judged. */
  readonly horizon: string
  /** What `serverMark` says of the server that may be damaged. */
  readonly mark: string
  readonly signal: AbortSignal
}

const TIMEOUT = '60s'
const LOCK_TIMEOUT = '2s'

/** Deletes one row in the first table that allows it and has one. Null: none does, or this is another server. Throws ServerError where PostgreSQL
 *  refuses the first that should have allowed it. */
export async function deleteOneRow(
  session: Session,
  { oids, horizon, mark, signal }: DamageRequest,
): Promise<{ oid: number } | null> {
  const found = await session.query<Deletable>(DELETABLE, [oids])
  const welcome = oids.flatMap((oid) => found.filter((one) => one.oid === oid))
  for (const { oid, schema, table } of welcome) {
    const name = quoteQualified(schema, table)
    const one = `SELECT x.ctid FROM ONLY ${name} AS x WHERE ${isOld('x.xmin', horizon)} LIMIT 1`
    const deleted = await inTransaction(session, async () => {
      await session.execute(LIMITS)
      const sql = `DELETE FROM ONLY ${name} WHERE ctid = (${one}) AND ${MARK} = $1 RETURNING 1 AS one`
      return session.query(sql, [mark], { signal })
    })
    if (deleted.length > 0) return { oid }
  }
  return null
}

const LIMITS = `SET LOCAL statement_timeout = '${TIMEOUT}'; SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`

export interface FalseBeats {
  /** Committed before the moment: it is removed. */
  readonly missing: Beat
  /** Begun after the moment: it is written. */
  readonly tooLate: Beat
  readonly mark: string
  readonly signal: AbortSignal
}

/** False: this is another server, or the one that was meant was started again, and nothing was done. Safe to repeat. The table is the role's own, and
 *  nothing runs in it: whoever read it before has seen to that. */
export async function falsifyBeats(session: Session, { missing, tooLate, mark, signal }: FalseBeats): Promise<boolean> {
  if ((await serverMark(session)) !== mark) return false
  await inTransaction(session, async () => {
    await session.execute(LIMITS)
    await session.query(`DELETE FROM capstan.heartbeat WHERE id = $1 AND ${MARK} = $2`, [missing.id, mark], { signal })
    await session.query(
      `INSERT INTO capstan.heartbeat (id, operation, label, began_at) OVERRIDING SYSTEM VALUE
       SELECT $1::bigint, $2::text, $3::text, $4::timestamptz WHERE ${MARK} = $5 ON CONFLICT DO NOTHING`,
      [tooLate.id, tooLate.operation, tooLate.label, tooLate.before, mark],
      { signal },
    )
  })
  return true
}
