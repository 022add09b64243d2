/** What a file's transaction does besides where somebody follows: its line first, and after its schema the tables that are new are published and may be read by
 *  who follows, before any row of them is written. What counts as rows alone is watched. */
import { Failure, failure } from '../../contracts/failures'
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import { refuseAnonymous } from '../replicate/before-seeding'
import { disableFiring, firingEventTriggers } from '../replicate/event-triggers'
import { CARRIED, historyValues, NAME, PUBLISHED, RELATIONS } from '../replicate/preflight/relations'
import { shownList } from '../replicate/tables'
import type { PlannedMigration, ScriptStatement } from './plan-script'
import { linesHiding, watchedRows } from './rows-alone'
import type { RunContext } from './run-context'
import { LINE_TABLE, linePublications, stampLine } from './schema-line'

/** On a standby rows are left out: they come by themselves. Of a mixed file they are behind all else. */
export function statementsFor(as: RunContext['as'], { statements, standby }: PlannedMigration): readonly ScriptStatement[] {
  if (as === 'source' || standby.class === 'schema' || standby.class === 'free') return statements
  return standby.class === 'rows' ? [] : statements.slice(0, standby.rowsFrom ?? 0)
}

interface Told {
  /** To be called behind the schema's statements and before any row, by the role that the transaction began with. Of a file without a schema not at all. */
  schemaDone(): Promise<void>
  /** To be called behind all, by that role. */
  rowsDone(): Promise<void>
}

const nothing = async (): Promise<void> => undefined
const NOTHING: Told = { schemaDone: nothing, rowsDone: nothing }

/** In the transaction that has just begun. */
export async function begunForStandbys(context: RunContext, migration: PlannedMigration): Promise<Told> {
  const { work, as, history } = context
  const { class: kind } = migration.standby
  if (!context.lines || kind === 'free' || (kind === 'rows' && as === 'standby')) return NOTHING
  // what is sent on by one that is a source as well
  const publications = await linePublications(work)
  if (publications.length === 0) return as === 'standby' ? { ...NOTHING, schemaDone: () => disableFiring(work) } : NOTHING
  if (kind === 'rows') return { schemaDone: nothing, rowsDone: await watchedRows(work, { migration, history, locked: false }) }
  if (as === 'source') await stampLine(work, migration)
  const before = new Set((await unpublished(work, publications, historyValues(history))).map(keyOf))
  const columns = as === 'source' ? await columnCounts(work, historyValues(history)) : new Map<number, number>()
  let rowsDone = nothing
  return {
    async schemaDone() {
      if (as === 'standby') await disableFiring(work)
      else await refuseRowsUnseen(work, migration, historyValues(history))
      if (as === 'source') await refuseFilledByDomain(work, migration.script, { columns, history: historyValues(history) })
      const found = await unpublished(work, publications, historyValues(history))
      const made = found.filter((one) => !before.has(keyOf(one)))
      if (made.length > 0) await publish(work, migration.script, made)
      if (kind === 'mixed' && as === 'source') rowsDone = await watchedRows(work, { migration, history, locked: true })
    },
    rowsDone: () => rowsDone(),
  }
}

const WRITTEN = `
  SELECT ${NAME} AS shown FROM ${RELATIONS} JOIN pg_catalog.pg_stat_xact_all_tables s ON s.relid = c.oid
   WHERE ${CARRIED} AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 ORDER BY 1`

/** What is vouched for as schema alone runs on each side, and rows that it writes come from the source besides. Where an event trigger fires, nobody can tell whose
 *  they are. */
async function refuseRowsUnseen(work: Session, migration: PlannedMigration, history: readonly [string, string]): Promise<void> {
  const lines = linesHiding(migration, 'schema')
  if (lines.length === 0 || (await firingEventTriggers(work)).length > 0) return
  const written = await work.query<{ shown: string }>(WRITTEN, history)
  if (written.length === 0) return
  const { script } = migration
  const shown = shownList(written.map((one) => one.shown))
  throw failure(
    'MIGRATION_NOT_FOR_STANDBYS',
    `${script}:${lines.join(', ')} was rolled back: this database has standbys, and what counts there as changing the schema alone has changed rows of ${shown} too, which each side would do by itself and get from the source besides: change the rows in a file of their own.`,
    { script, line: lines[0] ?? 1 },
  )
}

/** Of each table that is published, those that were dropped among them: what has a higher number afterwards is new. */
async function columnCounts(work: Session, history: readonly [string, string]): Promise<ReadonlyMap<number, number>> {
  const sql = `SELECT c.oid::bigint AS oid, c.relnatts::int AS columns FROM ${RELATIONS} WHERE ${PUBLISHED}`
  const rows = await work.query<{ oid: number; columns: number }>(sql, history)
  return new Map(rows.map(({ oid, columns }) => [oid, columns]))
}

const BY_DOMAIN = `
  SELECT c.oid::bigint AS oid, a.attnum::int AS n, ${NAME} || '.' || quote_ident(a.attname) AS shown
    FROM ${RELATIONS} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.atthasdef
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype = 'd' AND t.typdefaultbin IS NOT NULL AND t.typdefaultbin::text !~ '^\\{CONST'
   WHERE ${PUBLISHED} ORDER BY 3`

/** A column that is added without a default gets its domain's, in the rows that are there too. */
async function refuseFilledByDomain(
  work: Session,
  script: string,
  { columns, history }: { readonly columns: ReadonlyMap<number, number>; readonly history: readonly [string, string] },
): Promise<void> {
  const found = await work.query<{ oid: number; n: number; shown: string }>(BY_DOMAIN, history)
  const filled = found.filter(({ oid, n }) => n > (columns.get(oid) ?? n))
  if (filled.length === 0) return
  const shown = filled.map((one) => one.shown).join(', ')
  throw failure(
    'MIGRATION_NOT_FOR_STANDBYS',
    `${script} was rolled back: this database has standbys, and each side would fill ${shown} by the default of its domain, and differently: add the column with DEFAULT NULL, fill it by UPDATE in the same file, and drop that default in another one.`,
    { script },
  )
}

interface Unpublished {
  readonly publication: string
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly shown: string
  readonly partitioned: boolean
}

const keyOf = ({ publication, oid }: Unpublished): string => `${oid} ${publication}`

/** What was left out before is somebody's own doing, and stays so. */
function unpublished(
  work: Session,
  publications: readonly string[],
  [schema, table]: readonly [string, string],
): Promise<Unpublished[]> {
  return work.query<Unpublished>(
    `SELECT p.pubname::text AS publication, c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS "table", c.relkind = 'p' AS partitioned,
            quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS shown
       FROM ${RELATIONS} CROSS JOIN pg_catalog.pg_publication p
      WHERE p.pubname = ANY ($3::text[]) AND ${PUBLISHED}
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)
      ORDER BY 1, 2`,
    [schema, table, publications],
  )
}

/** Who may read the line follows by it; those of them that may not read this table yet. */
const FOLLOWERS = `
  SELECT pg_catalog.pg_get_userbyid(a.grantee)::text AS role
    FROM pg_catalog.pg_class c CROSS JOIN pg_catalog.aclexplode(c.relacl) a JOIN pg_catalog.pg_class t ON t.oid = $1::bigint::oid
   WHERE c.oid = pg_catalog.to_regclass('${LINE_TABLE}') AND a.privilege_type = 'SELECT' AND a.grantee NOT IN (0, c.relowner)
     AND NOT (pg_catalog.has_table_privilege(a.grantee, t.oid, 'SELECT') AND pg_catalog.has_schema_privilege(a.grantee, t.relnamespace, 'USAGE'))
   ORDER BY 1`

async function publish(work: Session, script: string, made: readonly Unpublished[]): Promise<void> {
  await refuseAnonymous(work, [...new Set(made.map(({ shown }) => shown))]).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'DATABASE_REFUSED') throw error
    throw failure('MIGRATION_NOT_FOR_STANDBYS', `${script} was rolled back: this database has standbys. ${error.message}`, {
      script,
    })
  })
  for (const { publication, oid, schema, table, partitioned } of made) {
    const name = quoteQualified(schema, table)
    const found = await work.query<{ role: string }>(FOLLOWERS, [oid])
    const followers = found.map(({ role }) => quoteIdentifier(role)).join(', ')
    if (followers !== '')
      await work.execute(
        `GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${followers}; GRANT SELECT ON ${name} TO ${followers}`,
      )
    await work.execute(`ALTER PUBLICATION ${quoteIdentifier(publication)} ADD TABLE ${partitioned ? '' : 'ONLY '}${name}`)
  }
}
