/** Who is inside the databases of a fence, and their end.
 *
 *  A session is in pg_stat_activity only at the end of its start, after it has looked whether its database takes connections. From before that
 *  look until after that end it holds a lock on the database, which pg_locks shows: so whoever is in neither, asked in this order, either was
 *  refused or will be (InitPostgres in src/backend/utils/init/postinit.c). Whoever takes that lock once the database is closed is refused as well: so only
 *  those count that had it at a first look, and the others may come and be turned away as often as they like. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../connect/session'
import { type Guest, isInvited, type Present, STARTED_AT } from './guests'

export interface Inside extends Present {
  readonly database: string
  /** As `client backend`, `walsender`, `logical replication apply worker`; null where we may not know. */
  readonly backend: string | null
  /** We may end it. */
  readonly endable: boolean
  /** The cloud's own: a superuser's, which no customer is. It stays. A subscription's worker writes what its publisher says, and is none. */
  readonly vendor: boolean
}

const INSIDE = `
  SELECT a.pid, a.leader_pid AS leader, ${STARTED_AT} AS "startedAt", a.usename::text AS role, a.datname::text AS database, a.backend_type AS backend,
         coalesce(pg_catalog.pg_has_role(a.usesysid, 'USAGE')
           OR (NOT r.rolsuper AND pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')), false) AS endable,
         coalesce(r.rolsuper, false) AND coalesce(a.backend_type, '') !~ '^logical replication' AS vendor
    FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
   WHERE a.datid = ANY ($1::oid[]) AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type IS DISTINCT FROM 'autovacuum worker'`

const PAUSE_MS = 20

/** Who is on the way in now. Of a database that takes no connections, whoever comes later is refused. */
async function startingIn(session: Session, oids: readonly number[]): Promise<Set<string>> {
  const rows = await session.query<{ one: string }>(
    `SELECT concat_ws(' ', pid, virtualtransaction, objid) AS one FROM pg_catalog.pg_locks
      WHERE locktype = 'object' AND classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND objid = ANY ($1::oid[])
        AND pid IS DISTINCT FROM pg_catalog.pg_backend_pid()`,
    [oids],
  )
  return new Set(rows.map(({ one }) => one))
}

export interface Seen {
  /** How many are still on the way in. */
  readonly starting: number
  readonly sessions: readonly Inside[]
}

/** Sessions in the databases with these oids; `among`: of whom to tell how many are still on the way in, everybody if left out. */
export async function lookInside(
  session: Session,
  oids: readonly number[],
  among?: ReadonlySet<string> | undefined,
): Promise<Seen> {
  const now = await startingIn(session, oids)
  const starting = [...now].filter((one) => among?.has(one) ?? true).length
  return { starting, sessions: await session.query<Inside>(INSIDE, [oids]) }
}

/** As `lookInside`, once everybody who was on the way in when this was called is through or was refused: applications that are turned away and come
 *  again at once are always on the way in. Of databases that take no connections. Those that have not come through after `waitMs` are told. */
export async function lookInsideClosed(session: Session, oids: readonly number[], waitMs: number): Promise<Seen> {
  const deadline = performance.now() + waitMs
  const first = await startingIn(session, oids)
  for (;;) {
    const seen = await lookInside(session, oids, first)
    if (seen.starting === 0 || performance.now() > deadline) return seen
    await sleep(PAUSE_MS)
  }
}

export interface Emptied {
  /** How many sessions were ended. */
  readonly ended: number
  /** Those that are still there; none where it was emptied in time. Neither the cloud's own nor guests are among them. */
  readonly left: readonly Inside[]
  /** How many were still on their way in; none where it was emptied in time. */
  readonly starting: number
}

/** All at once: nobody is served meanwhile, and each way to the server may be long. */
const END_INSIDE = `SELECT pg_catalog.pg_terminate_backend(a.pid)
    FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_database d ON d.oid = a.datid
   WHERE a.pid = ANY ($1::int[]) AND d.oid = ANY ($2::oid[]) AND NOT d.datallowconn`

export interface EmptyInput {
  readonly waitMs: number
  /** They are left alone. */
  readonly guests?: readonly Guest[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** Ends every session until none is left that is neither the cloud's own nor a guest. To be called once the databases take no connections. */
export async function emptyDatabases(
  session: Session,
  oids: readonly number[],
  { waitMs, guests = [], signal }: EmptyInput,
): Promise<Emptied> {
  const deadline = performance.now() + waitMs
  const ended = new Set<number>()
  const first = await startingIn(session, oids)
  for (;;) {
    signal?.throwIfAborted()
    const { starting, sessions } = await lookInside(session, oids, first)
    const left = uninvited(sessions, guests)
    if (starting === 0 && left.length === 0) return { ended: ended.size, left, starting }
    if (performance.now() > deadline) return { ended: ended.size, left, starting }
    const pids = left.filter(({ endable }) => endable).map(({ pid }) => pid)
    // only while its database is closed: an attempt that was overtaken must not go on after the fence was lowered
    if (pids.length > 0) await session.query(END_INSIDE, [pids, oids])
    for (const pid of pids) ended.add(pid)
    await sleep(PAUSE_MS)
  }
}

/** Those that a fence has to end. */
export function uninvited(sessions: readonly Inside[], guests: readonly Guest[]): Inside[] {
  return sessions.filter((one) => !one.vendor && !isInvited(guests, one))
}

/** `app ×12 in shop` */
export function shownSessions(sessions: readonly Inside[]): string {
  const counts = new Map<string, number>()
  for (const { role, backend, database } of sessions) {
    const who = `${role ?? backend ?? 'a process of the server'} in ${database}`
    counts.set(who, (counts.get(who) ?? 0) + 1)
  }
  return [...counts].map(([who, count]) => (count === 1 ? who : `${count} of ${who}`)).join(', ')
}

export interface PreparedTransaction {
  readonly gid: string
  readonly owner: string
  readonly database: string
}

/** Transactions that were prepared and not ended: each can be committed by a session yet to come. */
export function preparedTransactions(session: Session, databases: readonly string[] | 'all'): Promise<PreparedTransaction[]> {
  return session.query<PreparedTransaction>(
    `SELECT gid, owner::text AS owner, database::text AS database FROM pg_catalog.pg_prepared_xacts WHERE $1::name[] IS NULL OR database = ANY ($1::name[]) ORDER BY gid`,
    [databases === 'all' ? null : databases],
  )
}
