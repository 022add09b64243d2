/** What keeps everybody from writing into a database that follows another one, its owner, its master and its migrator too: a trigger upon each table, which
 *  turns statements away. It fires in ordinary sessions and in no worker that applies (those have `session_replication_role = replica`), so that rows that come
 *  by replication cost nothing. docs/decisions/0036-nobody-writes-on-the-old-writer.md.
 *
 *  It is there by name and means it only while the database follows: it looks for the mark of a standby, and for a subscription of ours that is enabled. So one
 *  that is forgotten upon a writer refuses nothing. */
import { Failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { DEFAULT_HISTORY } from '../migrate/history'
import { behindFence, type Guarded, statedBehindFence } from './behind-fence'
import { NAME, notOfExtension, ofUsers, RELATIONS } from './preflight/relations'

/** The trigger of each table. A schema's fingerprint leaves it out, since only one side has it. */
const GUARD = 'capstan_follows'
const FUNCTION = 'capstan.refuse_write'

/** read_only_sql_transaction: what drivers with several hosts take as the wrong one. */
const READ_ONLY_STATE = '25006'

/** Of what we ourselves write there, such as the emptying of what is seeded anew: `on` in the transaction. */
const OWN_WRITES = 'capstan.own_writes'

/** For all that a session of ours does. */
export const letOwnWrites = (session: Session): Promise<void> => session.set(OWN_WRITES, 'on')

export const ownWrites = (session: Session): Promise<unknown> =>
  session.query('SELECT pg_catalog.set_config($1, $2, true)', [OWN_WRITES, 'on'])

/** With its owner's rights: whoever writes need not be allowed to read what it looks for. */
const FUNCTION_SQL = `
CREATE OR REPLACE FUNCTION ${FUNCTION}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $guard$
DECLARE
  writer text;
BEGIN
  IF current_setting('${OWN_WRITES}', true) = 'on' THEN RETURN NULL; END IF;
  SELECT o.source INTO writer FROM capstan.standby_origin o;
  IF NOT FOUND AND NOT EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
       WHERE d.datname = current_database() AND s.subenabled AND starts_with(s.subname::text, 'cap_')) THEN RETURN NULL; END IF;
  RAISE EXCEPTION USING ERRCODE = '${READ_ONLY_STATE}',
    MESSAGE = format('%I follows %s: what is written to %I.%I here would be on this side alone', current_database(), coalesce(writer, 'another database'), TG_TABLE_SCHEMA, TG_TABLE_NAME),
    HINT = 'Write there. Where this is the only copy by now: "capstan standby remove", or by hand DROP FUNCTION ${FUNCTION} CASCADE.';
END $guard$`

/** All but temporary ones: unpublished and unlogged tables as well, since rows in them are nowhere else either. Not the history of migrations, which each side
 *  writes for itself. */
const TABLES = `${RELATIONS} JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
    LEFT JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid AND g.tgname = '${GUARD}' AND NOT g.tgisinternal
   WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${ofUsers('n')} AND ${notOfExtension('c')}
     AND NOT (n.nspname = '${DEFAULT_HISTORY.schema}' AND c.relname = '${DEFAULT_HISTORY.table}')`

/** Locks that one transaction holds: a server has room for some thousands. */
const BATCH = 500

/** For each of some tables the statement, as who owns it. Who vacuums it holds a lock that stands in the way, and is waited for no longer than that; an extension may not
 *  have it. The table is passed over then, and told by `unguardedTables`: nothing of this is worth to have nobody served. */
function onEach(which: string, statement: string, lockMs: number): string {
  return `DO $each$
DECLARE one record;
BEGIN
  PERFORM pg_catalog.set_config('lock_timeout', '${lockMs}', true);
  FOR one IN SELECT n.nspname AS schema, c.relname AS name, o.rolname AS owner, pg_catalog.pg_has_role(o.oid, 'SET') AS settable, g.tgname IS NULL AS lacking
      FROM ${TABLES} AND (${which}) ORDER BY pg_catalog.pg_has_role(o.oid, 'SET') DESC, o.rolname LIMIT ${BATCH}
  LOOP
    BEGIN
      IF one.settable THEN EXECUTE pg_catalog.format('SET LOCAL ROLE %I', one.owner); END IF;
      ${statement}
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    RESET ROLE;
  END LOOP;
END $each$`
}

const MISSING = `g.tgenabled IS DISTINCT FROM 'O'`
const SET_ASIDE = `g.tgenabled = 'D'`
const STANDS = `g.tgenabled <> 'D'`

/** Made where it is missing, and enabled where it was set aside. Nothing, where there is no function. */
const raising = (which: string, lockMs: number): string =>
  onEach(
    `pg_catalog.to_regprocedure('${FUNCTION}()') IS NOT NULL AND ${which}`,
    `IF one.lacking THEN
        EXECUTE pg_catalog.format('CREATE TRIGGER ${GUARD} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I.%I FOR EACH STATEMENT EXECUTE FUNCTION ${FUNCTION}()', one.schema, one.name);
      ELSE
        EXECUTE pg_catalog.format('ALTER TABLE ONLY %I.%I ENABLE TRIGGER ${GUARD}', one.schema, one.name);
      END IF;`,
    lockMs,
  )

const settingAside = (which: string, lockMs: number): string =>
  onEach(which, `EXECUTE pg_catalog.format('ALTER TABLE ONLY %I.%I DISABLE TRIGGER ${GUARD}', one.schema, one.name);`, lockMs)

/** For people, in psql: again until the question says that it is done. */
export const PAPER_GUARD = {
  raise: `${raising(MISSING, 1_000)};`,
  raiseAgain: `${raising(SET_ASIDE, 1_000)};`,
  setAside: `${settingAside(STANDS, 1_000)};`,
} as const
export const PAPER_GUARDED = `SELECT pg_catalog.to_regprocedure('${FUNCTION}()') IS NULL OR NOT EXISTS (SELECT FROM ${TABLES} AND ${MISSING})`
export const PAPER_RAISED_AGAIN = `SELECT NOT EXISTS (SELECT FROM ${TABLES} AND ${SET_ASIDE})`
export const PAPER_SET_ASIDE = `SELECT NOT EXISTS (SELECT FROM ${TABLES} AND ${STANDS})`

const TO_GUARD = 'it has to own the schema capstan'
const TO_RAISE = 'it has to be a member of the roles that own the tables'

/** `migrator`: who owns the schema `capstan`. Before the fence; it changes no table. Safe to repeat. Throws as `behindFence`. */
export async function prepareGuard(migrator: Session, guarded: Guarded): Promise<void> {
  await behindFence(migrator, guarded, TO_GUARD, async () => {
    await migrator.execute(`${FUNCTION_SQL}; GRANT EXECUTE ON FUNCTION ${FUNCTION}() TO PUBLIC`)
    const owners = await migrator.query<{ owner: string }>(
      `SELECT DISTINCT o.rolname::text AS owner FROM ${TABLES} AND NOT pg_catalog.has_schema_privilege(o.oid, 'capstan', 'USAGE')`,
    )
    for (const { owner } of owners) await migrator.execute(`GRANT USAGE ON SCHEMA capstan TO ${quoteIdentifier(owner)}`)
  })
}

interface RaiseInput extends Guarded {
  /** For how long the lock of one table may be waited for. */
  readonly lockMs?: number
  /** After so long no more tables are begun with. */
  readonly withinMs?: number
}

/** Longer than a lock is held by who applies one row, shorter than anybody notices. */
const LOCK_MS = 100
const WITHIN_MS = 60_000

/** `session`: as the master, in the database. Until it is marked as a standby, or a subscription of ours is enabled, it refuses nothing. Resolves to the tables that
 *  have none, as `schema.table`; null: nobody has prepared it here (`prepareGuard`). Safe to repeat. Throws FENCED_OFF, NOT_READY_YET. */
export async function raiseGuard(session: Session, input: RaiseInput): Promise<readonly string[] | null> {
  return inBatches(session, input, MISSING, raising)
}

/** Upon what was made since, of whatever owner. `migrator` opens a session of who owns the schema `capstan`; it is closed here. As `raiseGuard`. */
export async function guardNewTables(
  session: Session,
  migrator: () => Promise<Session>,
  input: RaiseInput,
): Promise<readonly string[] | null> {
  if (((await unguardedTables(session)) ?? []).length > 0) {
    const owner = await migrator()
    await prepareGuard(owner, input).finally(() => owner.close())
  }
  return raiseGuard(session, input)
}

/** In the transaction of a file that is under way on an old writer, before its statements. Resolves to what is called behind them: what the file has made is guarded
 *  with it, as far as this role may; the rest is `guardNewTables`'. */
export async function guardingWhatIsMade(work: Session): Promise<() => Promise<void>> {
  if (!(await isPrepared(work))) return async () => undefined
  const before = await work.query<{ oid: number }>(`SELECT c.oid::bigint AS oid FROM ${TABLES} AND ${MISSING}`)
  const made = `${MISSING} AND c.oid <> ALL ('{${before.map(({ oid }) => oid).join(',')}}'::oid[])`
  return async () => {
    await work.execute(raising(made, LOCK_MS))
  }
}

/** Where it was set aside it stands again; a table that never had one gets none. As `raiseGuard`. */
export async function raiseGuardAgain(session: Session, input: RaiseInput): Promise<void> {
  await inBatches(session, input, SET_ASIDE, raising)
}

/** Of a database that becomes the writer: it refuses nothing there anyway, and now asks nothing either. It stays, disabled, for the day on which this one follows
 *  again. A table whose lock is not had in time keeps it. Safe to repeat, and where there is none. */
export async function setGuardAside(session: Session, input: RaiseInput): Promise<void> {
  await inBatches(session, input, STANDS, settingAside)
}

/** Resolves to what is left; null: nobody has prepared it here. Two round trips a batch, and one before: nobody may be served meanwhile. */
async function inBatches(
  session: Session,
  { lockMs = LOCK_MS, withinMs = WITHIN_MS, ...guarded }: RaiseInput,
  which: string,
  batch: (which: string, lockMs: number) => string,
): Promise<readonly string[] | null> {
  const until = performance.now() + withinMs
  const asked = tablesWhere(which)
  for (let left = await tablesOf(session, which); ; ) {
    if (left === null || left.length === 0) return left
    const rows = await statedBehindFence<Listed>(session, guarded, TO_RAISE, { statements: [batch(which, lockMs)], asked })
    const now = namesIn(rows)
    if (now === null || now.length >= left.length || performance.now() > until) return now
    left = now
  }
}

interface Listed {
  readonly prepared: boolean
  readonly names: readonly string[]
}

const PREPARED = `pg_catalog.to_regprocedure('${FUNCTION}()') IS NOT NULL`

const tablesWhere = (which: string): string =>
  `SELECT ${PREPARED} AS prepared, ARRAY(SELECT ${NAME} FROM ${TABLES} AND (${which}) ORDER BY 1) AS names`

const namesIn = ([row]: readonly Listed[]): readonly string[] | null => (row?.prepared === true ? row.names : null)

/** Null: nobody has prepared it here. */
async function tablesOf(session: Session, which: string): Promise<readonly string[] | null> {
  if (session.serverVersionNum < 160_000) return null
  return namesIn(await session.query<Listed>(tablesWhere(which)))
}

async function isPrepared(session: Session): Promise<boolean> {
  if (session.serverVersionNum < 160_000) return false
  const [row] = await session.query<{ there: boolean }>(`SELECT ${PREPARED} AS there`)
  return row?.there === true
}

/** Without an enabled one; null: there is no such guard in this database. Reads only. */
export async function unguardedTables(session: Session): Promise<readonly string[] | null> {
  return tablesOf(session, MISSING)
}

/** Whether a change of a schema runs code of somebody's, which may write rows. Reads only. */
export async function hasEventTriggers(session: Session): Promise<boolean> {
  return (await session.query(`SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' LIMIT 1`)).length > 0
}

/** As `setGuardAside`, of a database that others write to: table by table, so that nobody waits for longer than for one of them. Resolves to those that keep it. */
export async function setGuardAsideApart(session: Session, input: RaiseInput): Promise<readonly string[]> {
  return eachApart(session, input, STANDS, (table) => `ALTER TABLE ONLY ${table} DISABLE TRIGGER ${GUARD}`)
}

/** All of it goes, table by table, as far as they let go within `lockMs` each. Resolves to those that have it still, disabled or not. Safe to repeat. */
export async function dropGuard(session: Session, input: RaiseInput): Promise<readonly string[]> {
  return eachApart(session, input, 'g.tgname IS NOT NULL', (table) => `DROP TRIGGER IF EXISTS ${GUARD} ON ${table}`)
}

async function eachApart(
  session: Session,
  { lockMs = LOCK_MS, ...guarded }: RaiseInput,
  which: string,
  statement: (table: string) => string,
): Promise<string[]> {
  if (!(await isPrepared(session))) return []
  const asked = `SELECT ${NAME} AS name, o.rolname::text AS owner, pg_catalog.pg_has_role(o.oid, 'SET') AS settable FROM ${TABLES} AND (${which}) ORDER BY 1`
  const left: string[] = []
  for (const { name, owner, settable } of await session.query<{ name: string; owner: string; settable: boolean }>(asked)) {
    const done = await behindFence(session, guarded, TO_RAISE, async () => {
      await session.execute(`SET LOCAL lock_timeout = '${lockMs}'`)
      if (settable) await session.execute(`SET LOCAL ROLE ${quoteIdentifier(owner)}`)
      await session.execute(statement(name))
      return true
    }).catch(unlessPassing)
    if (!done) left.push(name)
  }
  return left
}

/** A lock that others hold, a right that is lacking, a table that is gone, or an extension's. */
function unlessPassing(error: unknown): false {
  if (error instanceof Failure && (error.code === 'NOT_READY_YET' || error.code === 'CREDENTIALS_REJECTED')) return false
  if (error instanceof ServerError) return false
  throw error
}
