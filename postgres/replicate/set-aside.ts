/** Indexes that a standby has no use for while rows are copied into it: dropped before, built after, which is quicker than to keep them in order row by row.
 *  What was dropped stands in `capstan.set_aside_index` by its definition, written by the transaction that dropped it.
 *
 *  Left alone is whatever a row is found by, or what says more than its definition: primary keys, unique ones and exclusions; the replica identity; all
 *  indexes of a table without either, since changes find its rows by whatever index there is (16+); clustered ones, those in a tablespace of their own and
 *  those of an extension. An index of a partitioned table goes with those of its partitions, each of which comes back by its own name and is attached
 *  again; where one of them has to stay, all do.
 *
 *  To be asked as the role that owns the tables. */
import type { Session } from '../connect/session'
import { controlTables, ensureControlSchema } from '../migrate/control-schema'
import { behindFence, type Guarded } from './behind-fence'
import { resolveTables } from './tables'

export interface SetAsideInput extends Guarded {
  /** As `schema.table`, quoted; with their partitions and what they are partitions of. */
  readonly tables: readonly string[]
}

export interface SetAsideIndex {
  /** Both as `schema.name`, quoted. */
  readonly index: string
  readonly table: string
  /** As a schema's fingerprint calls it: what is set aside is no difference. */
  readonly id: string
}

/** All of them and what tells how to build them, in one transaction. Resolves to those that were dropped now. Safe to repeat. Throws NOT_READY_YET where
 *  others hold locks on a table, CREDENTIALS_REJECTED. */
export async function setIndexesAside(standby: Session, input: SetAsideInput): Promise<readonly string[]> {
  await ensureControlSchema(standby)
  return behindFence(standby, input, 'it has to own the tables, or be a member of the role that does', async () => {
    const tables = await resolveTables(standby, input.tables)
    // an empty path makes PostgreSQL print every name with its schema
    await standby.execute(`SET LOCAL search_path = ''`)
    const kept = await standby.query<{ index: string; top: boolean }>(KEEP, [tables.map(({ oid }) => oid)])
    const tops = kept.filter(({ top }) => top).map(({ index }) => index)
    // PostgreSQL has quoted them itself
    if (tops.length > 0) await standby.execute(`DROP INDEX ${tops.join(', ')}`)
    return kept.map(({ index }) => index)
  })
}

/** Those that are to be built still. Reads only. */
export async function indexesSetAside(standby: Session): Promise<readonly SetAsideIndex[]> {
  if (!(await controlTables(standby)).has('set_aside_index')) return []
  return standby.query<SetAsideIndex>(
    `SELECT index_name AS index, table_name AS "table", 'index ' || pg_catalog.array_to_string(pg_catalog.parse_ident(index_name), '.') AS id
       FROM capstan.set_aside_index ORDER BY index_name`,
  )
}

const NAME = (relation: string, space: string) =>
  `pg_catalog.quote_ident(${space}.nspname) || '.' || pg_catalog.quote_ident(${relation}.relname)`

/** Of an index `i` with its relation `c`. */
const MAY_GO = `i.indisvalid AND i.indisready AND NOT i.indisunique AND NOT i.indisprimary AND NOT i.indisexclusion AND NOT i.indisreplident
      AND NOT i.indisclustered AND c.reltablespace = 0
      AND EXISTS (SELECT FROM pg_catalog.pg_index k WHERE k.indrelid = i.indrelid AND (k.indisprimary OR k.indisreplident))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                         AND d.objid = i.indexrelid AND d.deptype IN ('e', 'x'))`

/** What `pg_get_indexdef` does not say. A target of statistics is null or -1 where it is the default. */
const FOLLOW_UPS = `ARRAY(
      SELECT pg_catalog.format('COMMENT ON INDEX %s IS %L', named.index, pg_catalog.obj_description(c.oid, 'pg_class'))
       WHERE pg_catalog.obj_description(c.oid, 'pg_class') IS NOT NULL
      UNION ALL
      (SELECT pg_catalog.format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', named.index, a.attnum, a.attstattarget)
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0 ORDER BY a.attnum))`

/** `$1`: oids of tables. A tree is an index with those of the partitions below it; alone it is a tree of one. */
const KEEP = `
  WITH given AS (SELECT pg_catalog.unnest($1::bigint[])::oid AS oid),
  related AS (
    SELECT oid FROM given
    UNION SELECT t.relid::oid FROM given g CROSS JOIN LATERAL pg_catalog.pg_partition_tree(g.oid) t
    UNION SELECT a.relid::oid FROM given g CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(g.oid) a),
  tops AS (
    SELECT i.indexrelid AS oid FROM pg_catalog.pg_index i JOIN related r ON r.oid = i.indrelid
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid)),
  trees AS (
    SELECT oid AS top, oid, NULL::oid AS parent, 0 AS depth FROM tops
    UNION ALL
    SELECT t.oid, p.relid::oid, p.parentrelid::oid, p.level FROM tops t CROSS JOIN LATERAL pg_catalog.pg_partition_tree(t.oid) p WHERE p.level > 0),
  going AS (
    SELECT e.top FROM trees e JOIN pg_catalog.pg_index i ON i.indexrelid = e.oid JOIN pg_catalog.pg_class c ON c.oid = e.oid
     GROUP BY e.top HAVING pg_catalog.bool_and(${MAY_GO})),
  kept AS (
    INSERT INTO capstan.set_aside_index (index_name, table_name, definition, follow_ups, attach_to, partitioned, depth)
    SELECT named.index, ${NAME('b', 'bn')}, pg_catalog.pg_get_indexdef(c.oid), ${FOLLOW_UPS}, ${NAME('p', 'pn')}, c.relkind = 'I', e.depth
      FROM going g JOIN trees e ON e.top = g.top JOIN pg_catalog.pg_index i ON i.indexrelid = e.oid
      JOIN pg_catalog.pg_class c ON c.oid = e.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class b ON b.oid = i.indrelid JOIN pg_catalog.pg_namespace bn ON bn.oid = b.relnamespace
      LEFT JOIN pg_catalog.pg_class p ON p.oid = e.parent LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
      CROSS JOIN LATERAL (SELECT ${NAME('c', 'n')} AS index) named
     WHERE bn.nspname <> 'capstan'
    ON CONFLICT (index_name) DO UPDATE SET table_name = excluded.table_name, definition = excluded.definition, follow_ups = excluded.follow_ups,
      attach_to = excluded.attach_to, partitioned = excluded.partitioned, depth = excluded.depth
    RETURNING index_name, depth)
  SELECT index_name AS index, depth = 0 AS top FROM kept ORDER BY index_name`
