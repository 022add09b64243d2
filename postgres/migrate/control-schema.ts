/** The small `capstan` schema in each database that is changed: the fence, the progress of half-done files, the indexes that were healed,
 *  and, on a database where a migration is rehearsed, what was measured. Fingerprints and checks leave it out. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { inTransaction, type Session } from '../connect/session'

/** Serialises the creation, since CREATE … IF NOT EXISTS fails when two sessions run it at once. */
const CREATION_LOCK = 0x63617073

const TABLES = `
CREATE SCHEMA IF NOT EXISTS capstan;
CREATE TABLE IF NOT EXISTS capstan.fence (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  epoch bigint NOT NULL,
  attempt bigint NOT NULL,
  operation text,
  raised_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO capstan.fence (epoch, attempt) VALUES (0, 0) ON CONFLICT DO NOTHING;
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

/** Whether any run has ever been here. */
export async function controlSchemaExists(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(`SELECT to_regclass('capstan.statement_log') IS NOT NULL AS found`)
  return row?.found === true
}

/** The newest table: where it is missing, an older release was here last, or nobody. */
async function isComplete(session: Session): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>(`SELECT to_regclass('capstan.healed_index') IS NOT NULL AS found`)
  return row?.found === true
}

/** Creates what is missing. Throws CREDENTIALS_REJECTED when the role may not create schemas here. */
export async function ensureControlSchema(session: Session): Promise<void> {
  if (await isComplete(session)) return
  try {
    await inTransaction(session, async () => {
      await session.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK])
      await session.execute(TABLES)
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
