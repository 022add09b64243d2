/** Opens exactly what an operation closed. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import { inTransaction, type Session } from '../connect/session'
import { assertFence, type FenceToken } from '../migrate/fence'
import { asOwner, type OwnerWay, ownerWay } from './act-as'
import { type ClosedDatabase, closedBy } from './raise'

export interface LowerInput {
  /** Whose record says what to open. */
  readonly raisedBy: string
  /** The one that stands in the keyhole. */
  readonly token: FenceToken
  readonly signal?: AbortSignal | undefined
}

/** `session`: in the keyhole. Resolves to what was opened now; a database that is gone, or that somebody else opened, is not in it. Safe to repeat,
 *  and where nothing was closed. Throws FENCE_REFUSED for one that is not ours to open any more, once all others are open; FENCED_OFF. */
export async function openDatabases(session: Session, { raisedBy, token, signal }: LowerInput): Promise<string[]> {
  const opened: string[] = []
  const stuck: Found[] = []
  for (const closed of await closedBy(session, raisedBy)) {
    signal?.throwIfAborted()
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

/** As `openDatabases`, whoever closed them: of data that were restored, what closed them is over. Where nothing was ever closed there is nothing to open. */
export async function openAllDatabases(session: Session, { token, signal }: Omit<LowerInput, 'raisedBy'>): Promise<string[]> {
  const [table] = await session.query<{ there: boolean }>(
    `SELECT pg_catalog.to_regclass('capstan.closed_database') IS NOT NULL AS there`,
  )
  if (table?.there !== true) return []
  const closers = await session.query<{ operation: string }>(
    'SELECT DISTINCT operation FROM capstan.closed_database ORDER BY operation',
  )
  const opened: string[] = []
  for (const { operation: raisedBy } of closers) opened.push(...(await openDatabases(session, { raisedBy, token, signal })))
  return opened
}

interface Found extends Record<string, unknown> {
  readonly name: string
  readonly owner: string
  readonly way: OwnerWay | null
}

/** Null: there is nothing to open. One with no way is left as it is, with its row. */
function openDatabase(session: Session, { oid }: ClosedDatabase, token: FenceToken): Promise<Found | null> {
  return inTransaction(session, async () => {
    await assertFence(session, token)
    // by its oid: it may have been renamed, and another one may have its name
    const [found] = await session.query<Found>(
      `SELECT d.datname::text AS name, o.rolname::text AS owner, ${ownerWay(session)} AS way
         FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba WHERE d.oid = $1::bigint::oid AND NOT d.datallowconn`,
      [oid],
    )
    if (found?.way === null) return found
    await session.query('DELETE FROM capstan.closed_database WHERE oid = $1::bigint::oid', [oid])
    if (found === undefined) return null
    await asOwner(session, found.owner, found.way, `ALTER DATABASE ${quoteIdentifier(found.name)} ALLOW_CONNECTIONS true`)
    return found
  })
}
