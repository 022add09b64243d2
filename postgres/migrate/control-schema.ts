/** The small `capstan` schema in each database that is changed: the fence, the progress of half-done files, the indexes that were healed,
 *  and, on a database where a migration is rehearsed, what was measured. Fingerprints and checks leave it out.
 *
 *  Whoever owns a table can put a trigger on it, and whoever owns a view chooses the functions in it: both run with the rights of the role
 *  that touches them. So nothing here is read or written before its owner is known to be that role, or a role that it is a member of. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteIdentifier } from '../connect/quote'
import { inTransaction, type Session } from '../connect/session'

/** Serialises the creation, since CREATE … IF NOT EXISTS fails when two sessions run it at once. */
const CREATION_LOCK = 0x63617073

const CREATION = `
CREATE SCHEMA IF NOT EXISTS capstan;
CREATE TABLE IF NOT EXISTS capstan.fence (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  epoch bigint NOT NULL,
  attempt bigint NOT NULL,
  operation text,
  raised_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS capstan.progress (
  history text NOT NULL,
  script text NOT NULL,
  statement_index int NOT NULL,
  digest text NOT NULL,
  state text NOT NULL CHECK (state IN ('intended', 'done')),
  facts jsonb NOT NULL DEFAULT '{}',
  duration_ms double precision NOT NULL DEFAULT 0,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (history, script, statement_index)
);
CREATE TABLE IF NOT EXISTS capstan.statement_log (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  script text NOT NULL,
  statement_index int NOT NULL,
  record jsonb NOT NULL,
  UNIQUE (script, statement_index)
);
CREATE TABLE IF NOT EXISTS capstan.healed_index (
  history text NOT NULL,
  epoch bigint NOT NULL,
  script text NOT NULL,
  index_name text NOT NULL,
  healed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (history, epoch, script, index_name)
)`

const FIRST_FENCE = 'INSERT INTO capstan.fence (epoch, attempt) VALUES (0, 0) ON CONFLICT DO NOTHING'

const CONTROL_TABLES = ['fence', 'progress', 'statement_log', 'healed_index'] as const

type ControlTable = (typeof CONTROL_TABLES)[number]

interface Owned extends Record<string, unknown> {
  /** Null for the schema itself. */
  readonly table: ControlTable | null
  readonly owner: string
  readonly role: string
  readonly trusted: boolean
}

/** Which of its tables stand: none where no run has ever been. Throws CONTROL_SCHEMA_FOREIGN when it or one of them belongs to a stranger. */
export async function controlTables(session: Session): Promise<ReadonlySet<ControlTable>> {
  const found = await session.query<Owned>(ownersQuery(session.serverVersionNum), [CONTROL_TABLES])
  const foreign = found.find(({ trusted }) => !trusted)
  if (foreign !== undefined) throw foreignOwner(session, foreign)
  return new Set(found.flatMap(({ table }) => (table === null ? [] : [table])))
}

/** Memberships are followed by hand, since to `pg_has_role` a superuser is a member of every role, a stranger's too. Since 16 whoever creates
 *  a role is made a member that may grant it and nothing else: that is no trust in what the role makes. */
function ownersQuery(serverVersionNum: number): string {
  const given = serverVersionNum >= 160_000 ? 'WHERE inherit_option OR set_option' : ''
  return `WITH RECURSIVE grants AS (
       SELECT member, roleid FROM pg_catalog.pg_auth_members ${given}
       UNION ALL
       SELECT datdba, to_regrole('pg_database_owner')::oid FROM pg_catalog.pg_database WHERE datname = current_database()
     ), mine AS (
       SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user
       UNION SELECT g.roleid FROM mine JOIN grants g ON g.member = mine.oid
     ), owned AS (
       SELECT NULL AS "table", nspowner AS owner FROM pg_catalog.pg_namespace WHERE nspname = 'capstan'
       UNION ALL
       SELECT relname::text, relowner FROM pg_catalog.pg_class
        WHERE relname = ANY ($1::text[]) AND relnamespace = to_regnamespace('capstan')::oid
     )
     SELECT "table", pg_get_userbyid(owner)::text AS owner, current_user::text AS role, owner IN (SELECT oid FROM mine) AS trusted FROM owned`
}

function foreignOwner({ endpoint: { database } }: Session, { table, owner, role }: Owned): Error {
  const what = table === null ? 'schema capstan' : `table capstan.${table}`
  return failure(
    'CONTROL_SCHEMA_FOREIGN',
    `The ${what} in ${database} belongs to the role ${owner}, and ${role} is neither that role nor a member of it: whoever owns it could act ` +
      `with the rights of ${role}. If ${owner} migrated this database before: GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(role)}; ` +
      'if nobody here made it: DROP SCHEMA capstan CASCADE. Then try again.',
    { database, owner, role, table },
  )
}

/** Creates what is missing. Throws CONTROL_SCHEMA_FOREIGN, or CREDENTIALS_REJECTED when the role may not create schemas here. */
export async function ensureControlSchema(session: Session): Promise<void> {
  if ((await controlTables(session)).size === CONTROL_TABLES.length) return
  try {
    await inTransaction(session, async () => {
      await session.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK])
      await session.execute(CREATION)
      // What already existed may have come in between.
      await controlTables(session)
      await session.execute(FIRST_FENCE)
    })
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlState !== '42501') throw error
    const { user, database } = session.endpoint
    throw failure(
      'CREDENTIALS_REJECTED',
      `The role ${user} may not create or use the schema capstan in ${database}: GRANT CREATE ON DATABASE to it.`,
      { user, database },
      { cause: error },
    )
  }
}
