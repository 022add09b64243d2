/** The small `capstan` schema in each database that is changed: the fence, the progress of half-done files, the indexes that were healed,
 *  heartbeats that a recovered copy is held against, the row by which it is seen how late a standby is, the marker that it has to have seen before
 *  writing moves to it, the rows that are brought back, whose standby it is with the indexes that were set aside for its filling, the files that changed the
 *  schema and up to which of them a standby has come, and, on a database where a migration is rehearsed, what was measured. Fingerprints and checks leave it out.
 *
 *  Whoever owns a table can put a trigger on it, and whoever owns a view chooses the functions in it: both run with the rights of the role
 *  that touches them. So nothing here is read or written before its owner is known to be that very role: a role that it is a member of
 *  lends it rights, and has none over it. What was handed over may still hold a trap, so tables with anything that runs are refused too. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteIdentifier } from '../connect/quote'
import { inTransaction, type Session } from '../connect/session'

/** Serialises the creation, since CREATE … IF NOT EXISTS fails when two sessions run it at once. */
const CREATION_LOCK = 0x63617073

/** It asks for the right to create schemas even where this one stands. */
const SCHEMA = 'CREATE SCHEMA IF NOT EXISTS capstan'

const CREATION = `
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
);
CREATE TABLE IF NOT EXISTS capstan.heartbeat (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  operation text NOT NULL,
  label text NOT NULL,
  began_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS capstan.standby_beat (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  at timestamptz NOT NULL,
  lsn pg_lsn NOT NULL
);
CREATE TABLE IF NOT EXISTS capstan.standby_marker (
  value text PRIMARY KEY,
  operation text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS capstan.row_recovery (
  digest text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('staging', 'staged', 'done')),
  plan jsonb NOT NULL,
  result jsonb,
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS capstan.standby_origin (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  source text NOT NULL,
  operation text NOT NULL,
  state text NOT NULL CHECK (state IN ('preparing', 'following')),
  tables text[],
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS capstan.schema_line (
  line bigint PRIMARY KEY,
  script text NOT NULL,
  checksum int NOT NULL
);
CREATE TABLE IF NOT EXISTS capstan.standby_bound (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  line bigint NOT NULL,
  deferred bigint[] NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS capstan.set_aside_index (
  index_name text PRIMARY KEY,
  table_name text NOT NULL,
  definition text NOT NULL,
  follow_ups text[] NOT NULL,
  attach_to text,
  partitioned boolean NOT NULL,
  depth int NOT NULL,
  set_aside_at timestamptz NOT NULL DEFAULT now()
)`

const FIRST_FENCE = 'INSERT INTO capstan.fence (epoch, attempt) VALUES (0, 0) ON CONFLICT DO NOTHING'

const CONTROL_TABLES = [
  'fence',
  'progress',
  'statement_log',
  'healed_index',
  'heartbeat',
  'standby_beat',
  'standby_marker',
  'row_recovery',
  'standby_origin',
  'schema_line',
  'standby_bound',
  'set_aside_index',
] as const

type ControlTable = (typeof CONTROL_TABLES)[number]

interface Found extends Record<string, unknown> {
  /** Null for the schema itself. */
  readonly table: ControlTable | null
  readonly owner: string
  readonly role: string
  readonly own: boolean
  /** It is no plain table, or has a trigger, a rule or a policy, a table that inherits, or a type, default, check or index of somebody's own. */
  readonly armed: boolean
  /** The type of the fence's attempt, which was an integer once. */
  readonly attempt: string | null
}

/** Which of its tables stand: none where no run has ever been. Throws CONTROL_SCHEMA_FOREIGN when it or one of them belongs to another role,
 *  or runs somebody's code. */
export async function controlTables(session: Session): Promise<ReadonlySet<ControlTable>> {
  return new Set((await lookUp(session)).flatMap(({ table }) => (table === null ? [] : [table])))
}

async function lookUp(session: Session): Promise<readonly Found[]> {
  const found = await session.query<Found>(LOOK_UP, [CONTROL_TABLES])
  const foreign = found.find(({ own }) => !own)
  if (foreign !== undefined) throw foreignOwner(session, foreign)
  const armed = found.find((one) => one.armed)
  if (armed !== undefined) throw armedTable(session, armed)
  return found
}

const classOf = (catalog: string): string => `'pg_catalog.${catalog}'::pg_catalog.regclass::pg_catalog.oid`

/** What may run somebody's code. PostgreSQL's own is in no dependency. */
const CODE = ['pg_proc', 'pg_operator', 'pg_type', 'pg_opclass'].map(classOf).join(', ')

/** Of a table `c`: itself with its columns' types, its indexes, its constraints, its defaults. */
const PARTS = `SELECT ${classOf('pg_class')}, c.oid
    UNION ALL SELECT ${classOf('pg_class')}, i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid
    UNION ALL SELECT ${classOf('pg_constraint')}, k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid
    UNION ALL SELECT ${classOf('pg_attrdef')}, f.oid FROM pg_catalog.pg_attrdef f WHERE f.adrelid = c.oid`

const LOOK_UP = `SELECT NULL::text AS "table", pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner, current_user::text AS role,
         pg_catalog.pg_get_userbyid(n.nspowner) = current_user AS own, false AS armed, NULL::text AS attempt
    FROM pg_catalog.pg_namespace n WHERE n.nspname = 'capstan'
  UNION ALL
  SELECT c.relname::text, pg_catalog.pg_get_userbyid(c.relowner)::text, current_user::text,
         pg_catalog.pg_get_userbyid(c.relowner) = current_user,
         c.relkind <> 'r' OR c.relrowsecurity OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid)
           OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
           OR EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE c.oid IN (h.inhparent, h.inhrelid))
           OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                       WHERE d.refclassid IN (${CODE})
                         AND (d.classid, d.objid) IN (${PARTS})),
         (SELECT a.atttypid::pg_catalog.regtype::text FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = c.oid AND c.relname = 'fence' AND a.attname = 'attempt' AND NOT a.attisdropped)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'capstan' AND c.relname = ANY ($1::pg_catalog.name[])`

function foreignOwner({ endpoint: { database } }: Session, { table, owner, role }: Found): Error {
  const what = table === null ? 'schema capstan' : `table capstan.${table}`
  const mine = quoteIdentifier(role)
  return failure(
    'CONTROL_SCHEMA_FOREIGN',
    `The ${what} in ${database} belongs to the role ${owner} and not to ${role}, which acts here: whoever owns it could act with the rights ` +
      `of ${role}. If ${owner} migrated this database before, look at what is in it, then ALTER SCHEMA capstan OWNER TO ${mine}, and for each ` +
      `of its tables ALTER TABLE capstan.… OWNER TO ${mine}; if nobody here made it, DROP SCHEMA capstan CASCADE. Then try again.`,
    { database, owner, role, table },
  )
}

function armedTable({ endpoint: { database } }: Session, { table, owner, role }: Found): Error {
  return failure(
    'CONTROL_SCHEMA_FOREIGN',
    `capstan.${table} in ${database} is no plain table, or has a trigger, a rule or row security, a table that inherits from it, or a default, check, index or ` +
      `type with somebody's own function, which Capstan never gives it: what that runs would have the rights of ${role}. Find out who made it and drop it, then try again.`,
    { database, owner, role, table },
  )
}

/** Creates what is missing. Throws CONTROL_SCHEMA_FOREIGN, or CREDENTIALS_REJECTED when the role may not create schemas here. */
export async function ensureControlSchema(session: Session): Promise<void> {
  const found = await lookUp(session)
  if (found.length === CONTROL_TABLES.length + 1 && !found.some(isNarrow)) return
  try {
    await inTransaction(session, async () => {
      await session.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK])
      if (!found.some(({ table }) => table === null)) await session.execute(SCHEMA)
      await session.execute(CREATION)
      // What already existed may have come in between.
      if ((await lookUp(session)).some(isNarrow)) await session.execute(WIDER_ATTEMPT)
      await session.execute(FIRST_FENCE)
    })
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    const { user, database } = session.endpoint
    if (error.sqlState === '55P03') {
      throw failure('MIGRATION_LOCK_HELD', `Another session holds the fence of ${database}: end it, then try again.`, {
        database,
      })
    }
    if (error.sqlState !== '42501') throw error
    throw failure(
      'CREDENTIALS_REJECTED',
      `The role ${user} may not create or use the schema capstan in ${database}: GRANT CREATE ON DATABASE to it.`,
      { user, database },
      { cause: error },
    )
  }
}

/** Made before attempts became clock values, which an integer cannot hold. */
function isNarrow({ attempt }: Found): boolean {
  return attempt === 'integer'
}

const WIDER_ATTEMPT = `SET LOCAL lock_timeout = '10s'; ALTER TABLE capstan.fence ALTER COLUMN attempt TYPE bigint`
