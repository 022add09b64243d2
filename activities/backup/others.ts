/** Who else is inside an instance that was overwritten: closed networks keep off only who comes by them, and neither private addresses nor connectors. */
import type { FenceScope } from '../../contracts/fence'
import type { OperationId } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import { databasesOf } from '../../postgres/fence/databases'
import { lookInside, shownSessions } from '../../postgres/fence/inside'
import { oidsOf } from '../../postgres/fence/raise'

/** In words; null: nobody. What the operation itself opened is not among them. */
export async function othersInside(
  session: Session,
  operation: OperationId,
  scope: FenceScope = 'instance',
): Promise<string | null> {
  const { databases } = await databasesOf(session, scope)
  const { sessions } = await lookInside(session, oidsOf(databases))
  const own = await session.query<{ pid: number }>('SELECT pid FROM pg_catalog.pg_stat_activity WHERE application_name ~ $1', [
    `^(c\\d+\\.\\d+ )?capstan ${operation}( |$)`,
  ])
  const ours = new Set(own.map(({ pid }) => pid))
  const others = sessions.filter(({ pid, vendor }) => !vendor && !ours.has(pid))
  return others.length === 0 ? null : shownSessions(others)
}

/** Whether rows of the session's database were changed or deleted since its server began to count, which a restored one does anew; in words, or null.
 *  Our own schemas aside. */
async function rowsTouched(session: Session): Promise<string | null> {
  const [row] = await session.query<{ touched: number }>(
    `SELECT coalesce(sum(n_tup_upd + n_tup_del), 0)::float8 AS touched FROM pg_catalog.pg_stat_user_tables
      WHERE schemaname NOT IN ('capstan', 'capstan_proof')`,
  )
  const touched = row?.touched ?? 0
  return touched === 0 ? null : `${touched} rows in it were changed or deleted meanwhile`
}

/** Who is in the session's database, and what somebody did there who may be gone again; null: nothing tells of anybody. */
export async function othersWrote(session: Session, operation: OperationId): Promise<string | null> {
  const inside = await othersInside(session, operation, { databases: [session.endpoint.database] })
  const touched = await rowsTouched(session)
  const said = [...(inside === null ? [] : [`others are inside: ${inside}`]), ...(touched === null ? [] : [touched])]
  return said.length === 0 ? null : said.join('; ')
}
