/** A closed database that lets the workers of its own subscriptions in and nobody who connects: what a source needs that is followed back. The flag is put
 *  back and `CONNECTION LIMIT 0` set in one statement, so that there is no moment at which one stands without the other; the limit counts and
 *  keeps out sessions, and no background worker. The fence is the stronger of the two, and who comes past this one is told:
 *  docs/decisions/0028-guests-of-a-fence.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { type FenceToken, inFencedTransaction } from '../migrate/fence'
import { asOwner, type OwnerWay, ownerWay } from './act-as'
import { type Guest, lostGuests } from './guests'
import { type Inside, lookInside, shownSessions, uninvited } from './inside'

/** The limit that lets no session in. */
export const NOBODY = 0

/** SQLSTATE of a connection above a limit, the database's or another: too_many_connections. */
export const FULL_STATE = '53300'

export interface WorkersOnlyInput {
  /** By which operation it is closed. */
  readonly raisedBy: string
  readonly database: string
  /** The one that stands in the keyhole. */
  readonly token: FenceToken
}

interface Found extends Record<string, unknown> {
  readonly oid: number
  readonly name: string
  readonly owner: string
  readonly way: OwnerWay | null
  readonly open: boolean
  readonly limit: number
}

/** `session`: in the keyhole. Resolves to the roles that come in all the same, sessions of replication being counted by no limit: whatever they may
 *  write they could. Lowering the fence puts back the limit that was; raising it anew closes it as before. Safe to repeat. Throws FENCE_REFUSED
 *  where the operation has not closed it, or somebody opened it; FENCED_OFF. */
export async function openToWorkers(session: Session, { raisedBy, database, token }: WorkersOnlyInput): Promise<string[]> {
  await inFencedTransaction(session, token, async () => {
    const found = await closedOne(session, raisedBy, database)
    if (found.open && found.limit === NOBODY) return
    if (found.open) throw refused(`Database ${found.name} was opened by somebody else`)
    if (found.way === null) throw refused(`Database ${found.name} belongs to ${found.owner} now, and is not ours to open`)
    // closed anew meanwhile it has the limit still, and the row has what was before
    await session.query(
      'UPDATE capstan.closed_database SET connection_limit = coalesce(connection_limit, $2) WHERE oid = $1::bigint::oid',
      [found.oid, found.limit],
    )
    const sql = `ALTER DATABASE ${quoteIdentifier(found.name)} ALLOW_CONNECTIONS true CONNECTION LIMIT ${NOBODY}`
    await asOwner(session, found.owner, found.way, sql)
  })
  return comePast(session, database)
}

async function closedOne(session: Session, raisedBy: string, database: string): Promise<Found> {
  const [found] = await session.query<Found>(
    `SELECT d.oid::bigint AS oid, d.datname::text AS name, o.rolname::text AS owner, ${ownerWay(session)} AS way, d.datallowconn AS open, d.datconnlimit AS "limit"
       FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba JOIN capstan.closed_database c ON c.oid = d.oid
      WHERE d.datname = $1 AND c.operation = $2`,
    [database, raisedBy],
  )
  if (found === undefined) throw refused(`${raisedBy} has not closed ${database}`)
  return found
}

/** Of pg_roles `r`: it may have sessions of replication. On RDS that is a membership. */
export const PAST_LIMIT = `r.rolcanlogin AND NOT r.rolsuper AND (r.rolreplication OR EXISTS (
        SELECT FROM pg_catalog.pg_roles rds WHERE rds.rolname = 'rds_replication' AND pg_catalog.pg_has_role(r.oid, rds.oid, 'MEMBER')))`

/** Roles that the limit keeps out of no session of replication, in which statements can be run as well. The cloud's own are not among them. */
async function comePast(session: Session, database: string): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    `SELECT r.rolname::text AS role FROM pg_catalog.pg_roles r
      WHERE ${PAST_LIMIT} AND pg_catalog.has_database_privilege(r.oid, $1::text, 'CONNECT') ORDER BY 1`,
    [database],
  )
  return rows.map(({ role }) => role)
}

/** What speaks against it that the operation keeps the database for workers only, by the catalog, a sentence each; none: it does. Reads only. */
export async function notForWorkersOnly(
  session: Session,
  { raisedBy, database }: Pick<WorkersOnlyInput, 'raisedBy' | 'database'>,
): Promise<string[]> {
  const [found] = await session.query<{ open: boolean; limit: number; ours: boolean }>(
    `SELECT d.datallowconn AS open, d.datconnlimit AS "limit", c.connection_limit IS NOT NULL AS ours
       FROM pg_catalog.pg_database d LEFT JOIN capstan.closed_database c ON c.oid = d.oid AND c.operation = $2 WHERE d.datname = $1`,
    [database, raisedBy],
  )
  if (found === undefined) return [`there is no database ${database}`]
  const { open, limit, ours } = found
  return [
    ...(ours ? [] : [`${database} is not closed by ${raisedBy} any more`]),
    ...(open && limit === NOBODY ? [] : [`${database} is ${open ? 'open' : 'closed'} with a limit of ${limit}`]),
  ]
}

/** Whoever left a moment ago, our own session of before among them, may still be seen. */
const LEAVING_MS = 2_000
const PAUSE_MS = 10

/** Who is inside and neither a worker nor the cloud's own. Until nobody is, for two seconds at most, or `waitMs`. */
export async function othersInside(
  session: Session,
  database: string,
  { waitMs = LEAVING_MS }: { readonly waitMs?: number } = {},
): Promise<string | null> {
  const [row] = await session.query<{ oid: number }>('SELECT oid::bigint AS oid FROM pg_catalog.pg_database WHERE datname = $1', [
    database,
  ])
  for (const until = performance.now() + waitMs; ; await sleep(PAUSE_MS)) {
    const { sessions } = await lookInside(session, row === undefined ? [] : [row.oid])
    const inside = strangersAmong(sessions, [])
    if (inside.length === 0) return null
    if (performance.now() > until) return `there are sessions: ${shownSessions(inside)}`
  }
}

function strangersAmong(sessions: readonly Inside[], guests: readonly Guest[]): Inside[] {
  return uninvited(sessions, guests).filter(({ backend }) => backend?.startsWith('logical replication ') !== true)
}

export interface ProveWorkersOnlyInput extends WorkersOnlyInput {
  /** Connects as an ordinary role that could write, to that database. */
  readonly connectAsWriter: () => Promise<Session>
  readonly guests?: readonly Guest[] | undefined
}

/** That nobody is inside but workers and guests now, that the limit stands, and that a writer is turned away because there are too many: a server that is full
 *  says the same, so what holds is the catalog, and the writer is the check on it. A worker of an extension's that comes later is not seen: who loads
 *  one is told beforehand (replicate/other-writers.ts). Reads only. Throws FENCE_NOT_PROVEN with everything that speaks against it. */
export async function proveWorkersOnly(session: Session, input: ProveWorkersOnlyInput): Promise<void> {
  const { raisedBy, database, guests = [] } = input
  // each by its own way
  const [writer, { sessions, found }] = await Promise.all([
    comesIn(input),
    (async () => {
      const before = await closedOne(session, raisedBy, database)
      const { sessions } = await lookInside(session, [before.oid])
      // nobody is inside only of what was so before and after it was looked
      return { sessions, found: [before, await closedOne(session, raisedBy, database)] }
    })(),
  ])
  const other = found.find(({ open, limit }) => !open || limit !== NOBODY)
  const inside = strangersAmong(sessions, guests)
  const against = [
    ...(other === undefined ? [] : [`${database} is ${other.open ? 'open' : 'closed'} with a limit of ${other.limit}`]),
    ...(inside.length === 0 ? [] : [`there are sessions: ${shownSessions(inside)}`]),
    ...lostGuests(guests, sessions),
    ...writer,
  ]
  if (against.length > 0) throw notWorkersOnly(database, against)
}

function notWorkersOnly(database: string, against: readonly string[]): Failure {
  return failure('FENCE_NOT_PROVEN', `${database} is not for workers only: ${against.join('; ')}.`, { against: against.length })
}

/** What speaks against it that a writer is turned away because there are too many; `state`: with another word of the server's. */
export async function comesIn(
  { connectAsWriter, database }: Pick<ProveWorkersOnlyInput, 'connectAsWriter' | 'database'>,
  state: string = FULL_STATE,
): Promise<string[]> {
  try {
    const session = await connectAsWriter()
    const { user } = session.endpoint
    await session.close()
    return [`${user} came into ${database}`]
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return error.facts.sqlState === state ? [] : [`the writer was kept out by something else: ${error.message}`]
  }
}

function refused(what: string): Error {
  return failure('FENCE_REFUSED', `${what}: ask for the plan again, which says what to do.`)
}
