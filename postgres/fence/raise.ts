/** Closes databases to everybody but the server itself, and ends whoever is inside. `ALTER DATABASE … ALLOW_CONNECTIONS false` it is, since
 *  no role, superusers among them, no background worker and no BEGIN READ WRITE comes past it, and since putting one flag back is exact:
 *  docs/decisions/0016-fence.md. */

import { failure } from '../../contracts/failures'
import type { FenceScope } from '../../contracts/fence'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { type FenceToken, inFencedTransaction } from '../migrate/fence'
import { asOwner } from './act-as'
import { databasesOf } from './databases'
import { type DescribedDatabase, fateOf, preparedSentence } from './describe'
import { type Guest, lostGuests } from './guests'
import { emptyDatabases, lookInside, preparedTransactions, shownSessions } from './inside'
import type { ConnectTo } from './keyhole'
import { NOBODY } from './workers-only'

/** A database that an operation closed. */
export interface ClosedDatabase {
  readonly name: string
  readonly oid: number
}

export interface RaiseInput {
  readonly connectTo: ConnectTo
  readonly scope: FenceScope
  readonly operation: string
  /** The one that stands in the keyhole. */
  readonly token: FenceToken
  /** Who is not ended, and has to be there: without them the fence is of no use to whoever raises it. */
  readonly guests?: readonly Guest[] | undefined
  /** How long sessions may take to end. */
  readonly waitMs: number
  /** Called with what will be closed, before anything is. */
  readonly beforeChange: (closing: readonly ClosedDatabase[]) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface RaisedDatabases {
  /** All of the scope that take no connections now because of the operation. */
  readonly closed: readonly ClosedDatabase[]
  readonly ended: number
}

/** `session`: in the keyhole. Safe to repeat. Throws FENCE_REFUSED: before the first change where what is in the way was there before it; else
 *  what is closed stays closed until it is lowered. Throws FENCED_OFF for a token that was overtaken. */
export async function closeDatabases(session: Session, input: RaiseInput): Promise<RaisedDatabases> {
  const { connectTo, scope, operation, token, guests = [], signal } = input
  const { databases, missing } = await databasesOf(session, scope)
  if (missing.length > 0) throw refused(`There is no database ${missing.join(', ')} in the instance`)
  const closing: DescribedDatabase[] = []
  for (const one of databases) {
    const fate = await fateOf(connectTo, one)
    if (fate === 'held')
      throw refused(`Database ${one.name} belongs to ${one.owner}, and ${session.endpoint.user} may not close it`)
    if (fate === 'close') closing.push({ ...one, fate })
  }
  await refusePrepared(session, closing)
  const all = [...(await closedBy(session, operation)), ...closing].map(({ name, oid }) => ({ name, oid }))
  await refuseLost(session, all, guests)
  await refuseHeld(session, closing, operation)
  await input.beforeChange(all)
  for (const one of closing) {
    signal?.throwIfAborted()
    await closeDatabase(session, one, { operation, token })
  }
  const closed = await closedBy(session, operation)
  const { ended, left, starting } = await emptyDatabases(session, oidsOf(closed), input)
  if (left.length > 0 || starting > 0) {
    const shown = left.length > 0 ? shownSessions(left) : `${starting} that hold a lock on their database`
    throw refused(`Sessions could not be ended within ${input.waitMs / 1000} s: ${shown}`)
  }
  await refuseLost(session, closed, guests)
  // one of those that were ended may have prepared a transaction before
  await refusePrepared(session, closed)
  return { closed, ended }
}

/** What the operation closed and has not opened again. */
export function closedBy(session: Session, operation: string): Promise<ClosedDatabase[]> {
  return session.query<ClosedDatabase>(
    'SELECT name::text AS name, oid::bigint AS oid FROM capstan.closed_database WHERE operation = $1 ORDER BY name',
    [operation],
  )
}

/** By which operation it was closed and not opened again, as far as is written in the keyhole; whoever opened it by hand leaves that there. Null: by none. */
export async function closerOf(session: Session, database: string): Promise<string | null> {
  const [table] = await session.query<{ there: boolean }>(
    `SELECT pg_catalog.to_regclass('capstan.closed_database') IS NOT NULL AS there`,
  )
  if (table?.there !== true) return null
  const [row] = await session.query<{ operation: string }>(
    'SELECT c.operation FROM capstan.closed_database c JOIN pg_catalog.pg_database d ON d.oid = c.oid WHERE d.datname = $1',
    [database],
  )
  return row?.operation ?? null
}

export function oidsOf(databases: readonly { readonly oid: number }[]): number[] {
  return databases.map(({ oid }) => oid)
}

/** That it is closed and that we closed it are one transaction. */
async function closeDatabase(
  session: Session,
  { name, oid, owner, way }: DescribedDatabase,
  { operation, token }: Pick<RaiseInput, 'operation' | 'token'>,
): Promise<void> {
  if (way === null) throw new Error(`${name} is not ours to close`)
  await inFencedTransaction(session, token, async () => {
    // it takes connections: whoever closed it before and has a row here has nothing to open any more
    const found = await session.query(
      `INSERT INTO capstan.closed_database (oid, name, operation)
       SELECT oid, datname, $3 FROM pg_catalog.pg_database WHERE oid = $1::bigint::oid AND datname = $2 AND datallowconn
       ON CONFLICT (oid) DO UPDATE SET name = excluded.name, operation = excluded.operation, closed_at = now(), proven_at = NULL,
         connection_limit = CASE WHEN (SELECT d.datconnlimit FROM pg_catalog.pg_database d WHERE d.oid = excluded.oid) = ${NOBODY} THEN closed_database.connection_limit END
       RETURNING oid`,
      [oid, name, operation],
    )
    if (found.length > 0) await asOwner(session, owner, way, `ALTER DATABASE ${quoteIdentifier(name)} ALLOW_CONNECTIONS false`)
  })
}

async function refusePrepared(session: Session, databases: readonly { readonly name: string }[]): Promise<void> {
  const prepared = await preparedTransactions(
    session,
    databases.map(({ name }) => name),
  )
  if (prepared.length > 0) throw failure('FENCE_REFUSED', prepared.map(preparedSentence).join(' '), { prepared: prepared.length })
}

/** Lowering would open to everybody what somebody else keeps for workers only. */
async function refuseHeld(session: Session, closing: readonly ClosedDatabase[], operation: string): Promise<void> {
  const [held] = await session.query<{ name: string; operation: string }>(
    `SELECT d.datname::text AS name, c.operation FROM capstan.closed_database c JOIN pg_catalog.pg_database d ON d.oid = c.oid
      WHERE c.oid = ANY ($1::oid[]) AND c.operation <> $2 AND c.connection_limit IS NOT NULL AND d.datconnlimit = ${NOBODY}`,
    [oidsOf(closing), operation],
  )
  if (held === undefined) return
  throw failure(
    'FENCE_REFUSED',
    `Database ${held.name} is open to the workers of its subscriptions only, which ${held.operation} has seen to: nothing else may close and open it until that is over.`,
    { database: held.name, operation: held.operation },
  )
}

async function refuseLost(session: Session, databases: readonly ClosedDatabase[], guests: readonly Guest[]): Promise<void> {
  if (guests.length === 0) return
  const lost = lostGuests(guests, (await lookInside(session, oidsOf(databases))).sessions)
  if (lost.length === 0) return
  const names = databases.map(({ name }) => name).join(', ')
  throw failure(
    'FENCE_REFUSED',
    `Whoever was to stay inside ${names} is not there: ${lost.join('; ')}. Lower the fence where it is raised, and begin anew.`,
    { lost: lost.length },
  )
}

function refused(what: string): Error {
  return failure('FENCE_REFUSED', `${what}: ask for the plan again, which says what to do.`)
}
