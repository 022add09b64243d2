/** Flyway's history table, read and written exactly as Flyway does, so that either tool can follow the other.
 *  It never repairs or deletes rows. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import { inTransaction, type Session } from '../connect/session'

export interface HistoryLocation {
  readonly schema: string
  readonly table: string
}

export const DEFAULT_HISTORY: HistoryLocation = { schema: 'public', table: 'flyway_schema_history' }

export interface HistoryRow {
  readonly installedRank: number
  /** Null for a repeatable migration. */
  readonly version: string | null
  readonly description: string
  /** SQL, BASELINE, SCHEMA, DELETE, JDBC… */
  readonly type: string
  readonly script: string
  readonly checksum: number | null
  readonly installedBy: string
  /** As stored: a timestamp without time zone, ISO with a blank. */
  readonly installedOn: string
  readonly executionTimeMs: number
  readonly success: boolean
}

export interface History {
  readonly exists: boolean
  /** By installed rank. */
  readonly rows: readonly HistoryRow[]
}

export async function readHistory(session: Session, at: HistoryLocation = DEFAULT_HISTORY): Promise<History> {
  if (!(await historyExists(session, at))) return { exists: false, rows: [] }
  const rows = await session.query<HistoryRow>(
    `SELECT installed_rank AS "installedRank", version, description, type, script, checksum, installed_by AS "installedBy",
            installed_on::text AS "installedOn", execution_time AS "executionTimeMs", success
       FROM ${quoteQualified(at.schema, at.table)} ORDER BY installed_rank`,
  )
  return { exists: true, rows }
}

async function historyExists(session: Session, at: HistoryLocation): Promise<boolean> {
  const rows = await session.query(
    `SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')`,
    [at.schema, at.table],
  )
  return rows.length > 0
}

/** Creates the table in an empty schema. Throws HISTORY_BASELINE_NEEDED when the schema already holds objects, OPTION_INVALID when it
 *  does not exist. Call it under the migration lock; `guard` runs first in its transaction. */
export async function ensureHistory(session: Session, at: HistoryLocation, guard: () => Promise<void>): Promise<void> {
  if (await historyExists(session, at)) return
  await refuseForeignSchema(session, at)
  const table = quoteQualified(at.schema, at.table)
  const key = quoteIdentifier(`${at.table}_pk`)
  const index = quoteIdentifier(`${at.table}_s_idx`)
  await inTransaction(session, async () => {
    await guard()
    await session.execute(
      `CREATE TABLE ${table} ("installed_rank" INT NOT NULL, "version" VARCHAR(50), "description" VARCHAR(200) NOT NULL,
         "type" VARCHAR(20) NOT NULL, "script" VARCHAR(1000) NOT NULL, "checksum" INTEGER, "installed_by" VARCHAR(100) NOT NULL,
         "installed_on" TIMESTAMP NOT NULL DEFAULT now(), "execution_time" INTEGER NOT NULL, "success" BOOLEAN NOT NULL);
       ALTER TABLE ${table} ADD CONSTRAINT ${key} PRIMARY KEY ("installed_rank");
       CREATE INDEX ${index} ON ${table} ("success")`,
    )
  })
}

/** The refusals of `ensureHistory` alone: for a plan, which changes nothing. */
export async function refuseForeignSchema(session: Session, at: HistoryLocation): Promise<void> {
  const [found] = await session.query<{ schema: boolean; objects: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1) AS schema,
       EXISTS (
         SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${notFromExtension('c', 'pg_class')}
         UNION ALL
         SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
          WHERE n.nspname = $1 AND t.typcategory NOT IN ('A', 'C') AND ${notFromExtension('t', 'pg_type')}
         UNION ALL
         SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
          WHERE n.nspname = $1 AND ${notFromExtension('p', 'pg_proc')}
       ) AS objects`,
    [at.schema],
  )
  if (found?.schema !== true) {
    throw failure('OPTION_INVALID', `The schema ${at.schema} for the migration history does not exist: create it first.`, {
      schema: at.schema,
    })
  }
  if (found.objects) {
    throw failure(
      'HISTORY_BASELINE_NEEDED',
      `Schema ${at.schema} holds objects and no ${at.table}: baseline it first, so that it is known which migrations it already has.`,
      { schema: at.schema, table: at.table },
    )
  }
}

function notFromExtension(alias: string, catalog: string): string {
  return `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.${catalog}'::regclass
    AND d.objid = ${alias}.oid AND d.deptype = 'e')`
}

export interface NewHistoryRow {
  readonly version: string | null
  readonly description: string
  readonly script: string
  readonly checksum: number
  readonly executionTimeMs: number
}

/** Appends a successful SQL migration with the next rank. Belongs in the migration's own transaction. */
export function historyInsert(
  row: NewHistoryRow,
  at: HistoryLocation,
): { readonly sql: string; readonly values: readonly (string | number | null)[] } {
  const table = quoteQualified(at.schema, at.table)
  return {
    sql: `INSERT INTO ${table}
       (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
     SELECT coalesce(max(installed_rank), 0) + 1, $1::varchar, $2::varchar, 'SQL', $3::varchar, $4::int, current_user, $5::int, true FROM ${table}`,
    values: [
      row.version,
      storedDescription(row.description),
      row.script,
      row.checksum,
      Math.min(Math.round(row.executionTimeMs), 2_147_483_647),
    ],
  }
}

/** The history holds 200 characters: Flyway keeps 197 and three dots. */
export function storedDescription(description: string): string {
  return description.length <= 200 ? description : `${description.slice(0, 197)}...`
}
