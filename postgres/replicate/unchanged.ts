/** Whether a schema has changed between two moments, without reading what it is: every row version of the catalogs that say so is counted and hashed. A
 *  comparison of two schemas takes as long as they are large; this is a few milliseconds, so it is what a fence can bear. What looks changed and is not
 *  (a TRUNCATE, say) costs a comparison and nothing else. Temporary objects, ours and PostgreSQL's own are left out. */
import type { Session } from '../connect/session'
import { ofUsers } from './preflight/relations'

/** Of a row `t`: no two versions of rows of one catalog have the same. */
const VERSION = `pg_catalog.hashtextextended(t.ctid::text || ' ' || t.xmin::text, 0)::numeric`

const OF_RELATIONS = {
  pg_attribute: 'attrelid',
  pg_attrdef: 'adrelid',
  pg_index: 'indrelid',
  pg_inherits: 'inhrelid',
  pg_sequence: 'seqrelid',
  pg_trigger: 'tgrelid',
  pg_rewrite: 'ev_class',
  pg_policy: 'polrelid',
} as const

const OF_NAMESPACES = {
  pg_constraint: 'connamespace',
  pg_proc: 'pronamespace',
  pg_type: 'typnamespace',
  pg_statistic_ext: 'stxnamespace',
} as const

const WHOLE = ['pg_enum', 'pg_extension', 'pg_publication', 'pg_publication_rel', 'pg_publication_namespace'] as const

/** What of a row of pg_class rows change, or ANALYZE. */
const OF_ROWS = `'{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relhasindex,relhasrules,relhastriggers,relhassubclass,relfrozenxid,relminmxid}'::text[]`

const contentOf = (catalog: string): string =>
  `pg_catalog.hashtextextended(${catalog === 'pg_class' ? `(pg_catalog.to_jsonb(t) - ${OF_ROWS})::text` : 't::text'}, 0)::numeric`

function stampBy(hashOf: (catalog: string) => string): string {
  const counted = (catalog: string, where = ''): string =>
    `(SELECT pg_catalog.count(*) || '.' || coalesce(pg_catalog.sum(${hashOf(catalog)}), 0) FROM pg_catalog.${catalog} t ${where})`
  const parts = [
    counted('pg_class', 'WHERE t.oid IN (SELECT r.oid FROM lasting r)'),
    counted('pg_namespace', 'WHERE t.oid IN (SELECT s.oid FROM own s)'),
    ...Object.entries(OF_RELATIONS).map(([catalog, column]) =>
      counted(catalog, `WHERE t.${column} IN (SELECT r.oid FROM lasting r)`),
    ),
    ...Object.entries(OF_NAMESPACES).map(([catalog, column]) =>
      counted(catalog, `WHERE t.${column} IN (SELECT s.oid FROM own s)`),
    ),
    ...WHOLE.map((catalog) => counted(catalog)),
  ]
  return `
  WITH own AS MATERIALIZED (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE ${ofUsers('n')}),
       lasting AS MATERIALIZED (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace IN (SELECT s.oid FROM own s) AND c.relpersistence <> 't')
  SELECT pg_catalog.concat_ws(' ', ${parts.join(', ')}) AS stamp`
}

const STAMP = stampBy(() => VERSION)
const CONTENTS = stampBy(contentOf)

/** Of this database, for as long as it is compared with itself alone. Reads only. */
export async function schemaStamp(session: Session, signal?: AbortSignal): Promise<string> {
  return stamped(session, STAMP, signal)
}

/** The same by what those rows say: neither a TRUNCATE nor what was changed and changed back is a change, while what was dropped and made anew is. Takes some
 *  four times as long. To be asked under the same settings each time, since it goes by what is printed. Reads only. */
export async function schemaContents(session: Session, signal?: AbortSignal): Promise<string> {
  return stamped(session, CONTENTS, signal)
}

async function stamped(session: Session, sql: string, signal: AbortSignal | undefined): Promise<string> {
  const [row] = await session.query<{ stamp: string }>(sql, [], { signal })
  if (row === undefined) throw new Error('a SELECT without FROM answered no row')
  return row.stamp
}
