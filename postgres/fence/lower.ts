/** Opens exactly what an operation closed. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { type FenceToken, inFencedTransaction } from '../migrate/fence'
import { asOwner, type OwnerWay, ownerWay } from './act-as'
import { oldWriters } from './moved-away'
import { type ClosedDatabase, closedBy } from './raise'
import { NOBODY } from './workers-only'

export interface LowerInput {
  /** Whose record says what to open. */
  readonly raisedBy: string
  /** The one that stands in the keyhole. */
  readonly token: FenceToken
  readonly signal?: AbortSignal | undefined
  /** Databases that stay as they are, by their oid. */
  readonly leave?: readonly number[]
}

/** `session`: in the keyhole. Resolves to what was opened now; a database that is gone, or that somebody else opened, is not in it. Safe to repeat,
 *  and where nothing was closed. Throws FENCE_REFUSED for one that is not ours to open any more, once all others are open; FENCED_OFF. */
export async function openDatabases(session: Session, { raisedBy, token, signal, leave = [] }: LowerInput): Promise<string[]> {
  const opened: string[] = []
  const stuck: Found[] = []
  for (const closed of await closedBy(session, raisedBy)) {
    signal?.throwIfAborted()
    if (leave.includes(closed.oid)) continue
    const found = await openDatabase(session, closed, token)
    if (found === null) continue
    if (found.way === null) stuck.push(found)
    else opened.push(found.name)
  }
  const [first] = stuck
  if (first === undefined) return opened
  const { user } = session.endpoint
  throw failure(
    'FENCE_REFUSED',
    `${stuck.map(({ name }) => name).join(', ')} belongs to ${first.owner} now, and ${user} may not open it: GRANT ${quoteIdentifier(first.owner)} TO ${quoteIdentifier(user)}, then try again.`,
    { database: first.name, owner: first.owner },
  )
}

export interface OpenAllInput extends Omit<LowerInput, 'raisedBy'> {
  /** Not one that was closed when writing moved away from it, unless it is this one: applications may know its address still, and nobody looks there. Left out: all of them, as of a copy into
   *  which nobody comes but us. */
  readonly staysMovedBut?: string | undefined
}

/** As `openDatabases`, whoever closed them: of data that were restored, what closed them is over. Where nothing was ever closed there is nothing to open. */
export async function openAllDatabases(session: Session, { token, signal, staysMovedBut }: OpenAllInput): Promise<string[]> {
  const [table] = await session.query<{ there: boolean }>(
    `SELECT pg_catalog.to_regclass('capstan.closed_database') IS NOT NULL AS there`,
  )
  if (table?.there !== true) return []
  const closers = await session.query<{ operation: string }>(
    'SELECT DISTINCT operation FROM capstan.closed_database ORDER BY operation',
  )
  const moved =
    staysMovedBut === undefined ? [] : (await oldWriters(session)).filter(({ database }) => database !== staysMovedBut)
  const opened: string[] = []
  for (const { operation: raisedBy } of closers) {
    const leave = moved.flatMap(({ operation, oid }) => (operation === raisedBy ? [oid] : []))
    opened.push(...(await openDatabases(session, { raisedBy, token, signal, leave })))
  }
  return opened
}

interface Found extends Record<string, unknown> {
  readonly name: string
  readonly owner: string
  readonly way: OwnerWay | null
  /** To be put back with the flag, where it was opened to workers meanwhile; null: it is what it was. */
  readonly limit: number | null
}

/** Null: there is nothing to open. One with no way is left as it is, with its row. */
function openDatabase(session: Session, { oid }: ClosedDatabase, token: FenceToken): Promise<Found | null> {
  return inFencedTransaction(session, token, async () => {
    // by its oid: it may have been renamed, and another one may have its name. A row of long ago has no limit.
    const [found] = await session.query<Found>(
      `SELECT d.datname::text AS name, o.rolname::text AS owner, ${ownerWay(session)} AS way, c.before AS "limit"
         FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba
         JOIN (SELECT t.oid, (pg_catalog.to_jsonb(t) ->> 'connection_limit')::int AS before FROM capstan.closed_database t) c ON c.oid = d.oid
        WHERE d.oid = $1::bigint::oid AND (NOT d.datallowconn OR (c.before IS NOT NULL AND d.datconnlimit = ${NOBODY}))`,
      [oid],
    )
    if (found?.way === null) return found
    await session.query('DELETE FROM capstan.closed_database WHERE oid = $1::bigint::oid', [oid])
    if (found === undefined) return null
    const limit = found.limit === null ? '' : ` CONNECTION LIMIT ${found.limit}`
    const sql = `ALTER DATABASE ${quoteIdentifier(found.name)} ALLOW_CONNECTIONS true${limit}`
    await asOwner(session, found.owner, found.way, sql)
    return found
  })
}
