/** What decides of a live table whether rows can come back to it, beyond what a comparison knows: one query, over catalogs only. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import type { CatalogColumn, CatalogTable } from '../verify/catalog'
import type { TablePair } from '../verify/pairing'
import type { Side } from '../verify/side'

type NamedColumn = Pick<CatalogColumn, 'name' | 'base'>

export interface ForeignKey {
  readonly name: string
  readonly columns: readonly string[]
  /** `schema.table`, quoted where PostgreSQL would, and as SQL reads it. */
  readonly parent: string
  readonly parentFrom: string
  /** In the order of `columns`. */
  readonly parentColumns: readonly NamedColumn[]
}

export interface LiveTable {
  readonly mayInsert: boolean
  /** Names of its columns that are computed from others. */
  readonly generated: readonly string[]
  /** Names of those that have to be given a value. */
  readonly required: readonly string[]
  readonly foreignKeys: readonly ForeignKey[]
  /** Unique indexes over whole columns, whole rows; the key is one of them. */
  readonly unique: readonly { readonly name: string; readonly columns: readonly NamedColumn[] }[]
  /** Some unique or exclusion constraint may be deferred: ON CONFLICT then has to name the key. */
  readonly deferrable: boolean
  /** That run for an insert, in the session of an application. */
  readonly triggers: readonly string[]
  readonly rules: readonly string[]
  /** Ascending ones that its columns own. `at`: null where it has given out nothing, or the role may not know. */
  readonly sequences: readonly { readonly name: string; readonly column: string; readonly at: string | null }[]
}

/** The type under all domains of column `a`. */
const BASE = `(WITH RECURSIVE under AS (
    SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
    UNION ALL SELECT t.oid, t.typtype, t.typbasetype FROM under u JOIN pg_type t ON t.oid = u.typbasetype WHERE u.typtype = 'd')
  SELECT format_type(oid, -1) FROM under WHERE typtype <> 'd')`

const NAMED = `json_build_object('name', a.attname, 'base', ${BASE})`
const qualified = (oid: string): string =>
  `(SELECT quote_ident(n.nspname) || '.' || quote_ident(r.relname) FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = ${oid})`
/** As JSON, none being an empty list. */
const listOf = (select: string): string => `(SELECT coalesce(json_agg(l.v ORDER BY l.o), '[]') FROM (${select}) AS l)`

const COLUMNS = 'pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped'
/** The table itself and its partitions. */
const PARTS = `(SELECT c.oid AS part UNION SELECT relid FROM pg_partition_tree(c.oid))`

/** That run for an insert into `c`, in the session of an application. */
const TRIGGERS = listOf(`
  SELECT t.tgname AS o, t.tgname || CASE WHEN t.tgrelid = c.oid THEN '' ELSE ' on ' || ${qualified('t.tgrelid')} END AS v
    FROM pg_trigger t JOIN ${PARTS} p ON p.part = t.tgrelid
   WHERE NOT t.tgisinternal AND t.tgname <> 'capstan_follows' AND t.tgparentid = 0 AND t.tgenabled IN ('O', 'A') AND t.tgtype & 4 > 0`)

const LIVE_TABLE = `
  SELECT has_table_privilege(c.oid, 'INSERT') AS "mayInsert",
         ${listOf(`SELECT a.attname AS v, a.attnum AS o FROM ${COLUMNS} AND a.attgenerated <> ''`)} AS generated,
         ${listOf(`SELECT a.attname AS v, a.attnum AS o FROM ${COLUMNS} AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''`)} AS required,
         ${listOf(`
           SELECT k.conname AS o, json_build_object(
                    'name', k.conname, 'parent', ${qualified('k.confrelid')},
                    'parentFrom', (SELECT CASE WHEN r.relkind = 'p' THEN '' ELSE 'ONLY ' END FROM pg_class r WHERE r.oid = k.confrelid) || ${qualified('k.confrelid')},
                    'columns', (SELECT json_agg(a.attname ORDER BY at.n) FROM unnest(k.conkey) WITH ORDINALITY AS at (number, n)
                                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = at.number),
                    'parentColumns', (SELECT json_agg(${NAMED} ORDER BY at.n) FROM unnest(k.confkey) WITH ORDINALITY AS at (number, n)
                                        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = at.number)) AS v
             FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0`)} AS "foreignKeys",
         ${listOf(`
           SELECT ic.relname AS o, json_build_object('name', ic.relname, 'columns', (
                    SELECT json_agg(${NAMED} ORDER BY at.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS at (number, n)
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = at.number WHERE at.n <= i.indnkeyatts)) AS v
             FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL`)} AS unique,
         EXISTS (SELECT FROM pg_index i JOIN ${PARTS} p ON p.part = i.indrelid WHERE NOT i.indimmediate) AS deferrable,
         ${TRIGGERS} AS triggers,
         ${listOf(`SELECT r.rulename AS o, r.rulename AS v FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '3' AND r.ev_enabled IN ('O', 'A')`)} AS rules,
         ${listOf(`
           SELECT a.attnum AS o, json_build_object('name', ${qualified('s.seqrelid')}, 'column', a.attname,
                    'at', CASE WHEN has_sequence_privilege(s.seqrelid, 'USAGE, SELECT') THEN pg_sequence_last_value(s.seqrelid)::text END) AS v
             FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid AND s.seqincrement > 0
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype IN ('a', 'i')`)} AS sequences
    FROM pg_class c WHERE c.oid = $1::regclass`

export async function readLiveTable(side: Side, { name, quoted }: CatalogTable): Promise<LiveTable> {
  const [table] = await side.query<LiveTable & Record<string, unknown>>(LIVE_TABLE, [quoted])
  if (table === undefined) throw failure('PLAN_DRIFTED', `${name} is gone from the live database: plan again.`, { table: name })
  return table
}

/** Whose code an insert has run: within the transaction of the insert its own lock keeps new ones away. `session`: its search path is pg_catalog. */
export async function triggersNow(session: Session, { quoted }: Pick<CatalogTable, 'quoted'>): Promise<readonly string[]> {
  const [found] = await session.query<Pick<LiveTable, 'triggers'>>(
    `SELECT ${TRIGGERS} AS triggers FROM pg_class c WHERE c.oid = $1::regclass`,
    [quoted],
  )
  return found?.triggers ?? []
}

/** What comes back of a row: every column that the live table does not compute. */
export function withoutGenerated(pair: TablePair, { generated }: LiveTable): TablePair {
  return { ...pair, columns: pair.columns.filter(({ name }) => !generated.includes(name)) }
}

/** Throws ROWS_UNRECOVERABLE for a table that rows cannot be brought back to, whole and one by one. */
export function refuseUnfit(pair: TablePair, live: LiveTable): void {
  const why = whyUnfit(pair, live)
  if (why === null) return
  throw failure('ROWS_UNRECOVERABLE', `No rows can be brought back to ${pair.name}: ${why}.`, { table: pair.name })
}

function whyUnfit(pair: TablePair, { mayInsert, generated, required, rules }: LiveTable): string | null {
  const { key, source, target } = pair
  if (key === null) return 'no primary key or unique index over columns that are never null tells its rows apart on both sides'
  const foreign = key.columns.find(({ target: { column } }) => column.base.includes('.') && !column.isEnum)
  if (foreign !== undefined) return `its key has the type ${foreign.target.column.base}, of an extension or of your own`
  if (key.columns.some(({ name }) => generated.includes(name))) return 'its key is computed from other columns'
  if (!mayInsert) return 'the role may not insert into it: GRANT INSERT on it'
  if (rules.length > 0) return `the rule ${rules[0]} makes something else of an insert`
  const there = new Set(target.columns.map(({ name }) => name))
  const lost = source.columns.find(({ name }) => !there.has(name))
  if (lost !== undefined) return `the live table has no column ${lost.name}, and what the copy has in it would be lost`
  const had = new Set(source.columns.map(({ name }) => name))
  const empty = required.find((name) => !had.has(name))
  if (empty !== undefined) return `its column ${empty} has to be given a value, and the copy has no such column`
  const retyped = pair.columns.find((column) => column.source.column.type !== column.target.column.type)
  if (retyped === undefined) return null
  const { name, source: was, target: is } = retyped
  return `its column ${name} was ${was.column.type} and is ${is.column.type}`
}
