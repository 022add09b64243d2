/** The one database that stays open while an instance is fenced, and that only we come into: from here the others are closed and opened, since
 *  none can be closed from within. It holds who may act (the same row as in a migrated database) and what is closed, each written in the
 *  transaction that does it. It stays when the fence is lowered: an attempt that was overtaken must find the row that keeps it off. */
import { Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { inTransaction, type Session } from '../connect/session'
import { ensureControlSchema } from '../migrate/control-schema'

export const KEYHOLE = 'capstan_fence'

/** Of whoever furnishes it, for a moment. */
export const FURNISHING_LOCK = 0x63617066

/** Connects as the master to a database of the instance. */
export type ConnectTo = (database: string) => Promise<Session>

const CLOSED_DATABASES = `CREATE TABLE capstan.closed_database (
  oid oid PRIMARY KEY,
  name name NOT NULL,
  operation text NOT NULL,
  closed_at timestamptz NOT NULL DEFAULT now(),
  proven_at timestamptz,
  connection_limit int
)`

/** Of a keyhole that was made before a closed database could be opened to workers. */
const LIMIT_COLUMN = 'ALTER TABLE capstan.closed_database ADD COLUMN connection_limit int'

/** Who may not connect to a standby's database while it follows (replicate/keep-out.ts). `grants`: taken, `added`: given; `before`: as both were, with
 *  the operation of then, when this one came to it. */
const KEPT_OUT = `CREATE TABLE capstan.kept_out (
  oid oid PRIMARY KEY,
  operation text NOT NULL,
  grants jsonb NOT NULL,
  added text[] NOT NULL,
  before jsonb,
  at timestamptz NOT NULL DEFAULT now()
)`

/** From which writing has moved away (moved-away.ts). */
const MOVED_AWAY = `CREATE TABLE capstan.moved_away (
  oid oid PRIMARY KEY,
  operation text NOT NULL,
  writer text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
)`

/** Of a keyhole that was made before an operation gave back what it alone had taken. */
const BEFORE_COLUMN = 'ALTER TABLE capstan.kept_out ADD COLUMN before jsonb'

/** SQL that is true where the table is there, and where it has the column: by the catalogs alone, since it is asked before it is known whose they are. */
const hasTable = (table: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'capstan' AND c.relname = '${table}')`
const hasColumn = (table: string, column: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
     WHERE n.nspname = 'capstan' AND c.relname = '${table}' AND a.attname = '${column}' AND NOT a.attisdropped)`

export interface KeyholeAccess {
  readonly connectTo: ConnectTo
  /** Where to make it from, the likeliest first: databases that are open while nothing is fenced. */
  readonly from: readonly string[]
}

/** A session in it; made where it is missing. The caller closes it. Safe to repeat, and for several at once.
 *  Throws FENCE_REFUSED when it belongs to somebody else or may not be made. */
export async function openKeyhole(access: KeyholeAccess): Promise<Session> {
  const session = (await enterKeyhole(access.connectTo)) ?? (await makeKeyhole(access))
  try {
    const found = await lookAround(session)
    assertOwn(session, found)
    await ensureControlSchema(session)
    if (!isFurnished(found)) await furnish(session)
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

const AROUND = `
  SELECT pg_catalog.pg_get_userbyid(d.datdba)::text AS owner, pg_catalog.pg_get_userbyid(d.datdba) = current_user AS own,
         NOT pg_catalog.has_database_privilege('public', d.oid, 'CONNECT') AS shut,
         ${hasTable('closed_database')} AS furnished, ${hasTable('kept_out')} AS keeps, ${hasTable('moved_away')} AS moves,
         ${hasColumn('closed_database', 'connection_limit')} AS limited, ${hasColumn('kept_out', 'before')} AS remembers
    FROM pg_catalog.pg_database d WHERE d.datname = current_database()`

interface Around extends Record<'own' | 'shut' | 'furnished' | 'limited' | 'keeps' | 'moves' | 'remembers', boolean> {
  readonly owner: string
}

/** Whose it is, and what it has: one way, since the server may be far. */
async function lookAround(session: Session): Promise<Around | undefined> {
  return (await session.query<Around>(AROUND))[0]
}

function isFurnished(found: Around | undefined): boolean {
  if (found === undefined) return false
  const { shut, furnished, limited, keeps, moves, remembers } = found
  return shut && furnished && limited && keeps && moves && remembers
}

/** Only its owner comes in, and it has its table: whoever made it and was killed may not have come this far. */
async function furnish(session: Session): Promise<void> {
  await inTransaction(session, async () => {
    // two that do this at once would fail each other
    await session.query('SELECT pg_catalog.pg_advisory_xact_lock($1)', [FURNISHING_LOCK])
    const row = await lookAround(session)
    if (row?.shut !== true) await session.execute(`REVOKE ALL ON DATABASE ${KEYHOLE} FROM PUBLIC`)
    if (row?.furnished !== true) await session.execute(CLOSED_DATABASES)
    else if (!row.limited) await session.execute(LIMIT_COLUMN)
    if (row?.keeps !== true) await session.execute(KEPT_OUT)
    else if (!row.remembers) await session.execute(BEFORE_COLUMN)
    if (row?.moves !== true) await session.execute(MOVED_AWAY)
  })
}

/** Null: there is none. */
export async function enterKeyhole(connectTo: ConnectTo): Promise<Session | null> {
  try {
    return await connectTo(KEYHOLE)
  } catch (error) {
    if (error instanceof Failure && error.code === 'DATABASE_UNKNOWN') return null
    throw error
  }
}

async function makeKeyhole({ connectTo, from }: KeyholeAccess): Promise<Session> {
  const session = await enterAny(connectTo, from)
  try {
    // nobody is ever connected to template0, so that nobody can be in the way
    await session.execute(`CREATE DATABASE ${KEYHOLE} TEMPLATE template0`)
  } catch (error) {
    // made by another attempt meanwhile
    const there = error instanceof ServerError && ['42P04', '23505'].includes(error.sqlState)
    if (!there) throw error instanceof ServerError ? notMade(session, error) : error
  } finally {
    await session.close()
  }
  return connectTo(KEYHOLE)
}

/** The first of them that takes connections. */
export async function enterAny(connectTo: ConnectTo, databases: readonly string[]): Promise<Session> {
  const [first, ...others] = databases
  if (first === undefined) throw new Error('no database was named to connect to')
  try {
    return await connectTo(first)
  } catch (error) {
    if (others.length === 0 || !isShut(error)) throw error
    return enterAny(connectTo, others)
  }
}

/** The server answered, and it is this database that lets nobody in: another one may. */
function isShut(error: unknown): boolean {
  return error instanceof Failure && (error.code === 'DATABASE_UNKNOWN' || error.facts.sqlState === CLOSED_STATE)
}

/** SQLSTATE of a connection to a database that takes none: object_not_in_prerequisite_state, after the password was accepted. */
export const CLOSED_STATE = '55000'

function notMade({ endpoint: { user } }: Session, error: ServerError): Error {
  return failure(
    'FENCE_REFUSED',
    `${user} could not make the database ${KEYHOLE}, from which the others are closed (${error.sqlState}: ${error.message}): it needs CREATEDB.`,
    { user, sqlState: error.sqlState },
  )
}

function assertOwn(session: Session, found: Around | undefined): void {
  if (found?.own === true) return
  const { user } = session.endpoint
  throw failure(
    'FENCE_REFUSED',
    `The database ${KEYHOLE} belongs to ${found?.owner} and not to ${user}, which acts here. Where no operation has closed anything, DROP DATABASE ${KEYHOLE}, or ALTER DATABASE ${KEYHOLE} OWNER TO ${user}.`,
    { user, owner: found?.owner ?? null },
  )
}
