/** Which tables a database has, with what a comparison needs to know of them. One query, over catalogs only. */
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'

export interface CatalogColumn {
  readonly name: string
  /** As SQL reads it under `search_path = pg_catalog`, without its modifier. */
  readonly type: string
  /** The same under all its domains. */
  readonly base: string
  /** PostgreSQL's own binary form (`typsend`), when it means the same on every server; null: only text does. */
  readonly send: string | null
  readonly isEnum: boolean
  /** Labels in their order, for an enum. */
  readonly labels: readonly string[] | null
  /** Null: the type has none. */
  readonly collation: CatalogCollation | null
}

export interface CatalogCollation {
  readonly deterministic: boolean
  /** What decides the order, version included. Null: it cannot be told. */
  readonly order: string | null
}

/** A unique index over columns that are never null. */
export interface CatalogKey {
  readonly primary: boolean
  readonly columns: readonly string[]
  /** Whether it sorts as the columns' own types and collations do. */
  readonly plainOrder: boolean
}

export interface CatalogTable {
  /** `schema.table`, quoted where PostgreSQL would. */
  readonly name: string
  readonly quoted: string
  readonly columns: readonly CatalogColumn[]
  /** The best first. */
  readonly keys: readonly CatalogKey[]
  /** Partitioned tables are read through their root. */
  readonly partitioned: boolean
  readonly bytes: number
  readonly rowSecurity: boolean
  /** What of it the role may not read: the table itself, or the partition that lacks the grant. Null: all of it may be read. */
  readonly unreadable: string | null
  /** Partitions of every level, by oid: attaching one changes the table. */
  readonly parts: string
  /** Some of its partitions lie on another server. */
  readonly foreignPartitions: boolean
}

export interface Catalog {
  readonly encoding: string
  readonly tables: readonly CatalogTable[]
  /** What a comparison of rows leaves out. */
  readonly outside: readonly string[]
}

/** Of the libc provider "C" and "POSIX", and PostgreSQL's own, sort by bytes. Everywhere else the order belongs to a library, and only the
 *  same version of it under the same name sorts alike. Columns that only newer versions have are read through JSON. */
const COLLATION_OF = `(
  SELECT json_build_object('deterministic', co.collisdeterministic, 'order',
           CASE WHEN u.locale IN ('C', 'POSIX') OR u.provider = 'b' THEN 'bytes'
                WHEN u.version IS NULL THEN NULL
                ELSE concat_ws(' ', u.provider, u.locale, u.rules, u.version) END)
    FROM pg_collation co
    JOIN pg_database d ON d.datname = current_database()
    JOIN LATERAL (SELECT CASE WHEN co.collprovider = 'd' THEN to_jsonb(d) ELSE to_jsonb(co) END AS j, co.collprovider = 'd' AS dflt) w ON true
    JOIN LATERAL (SELECT CASE WHEN dflt THEN j->>'datlocprovider' ELSE j->>'collprovider' END AS provider,
                         CASE WHEN dflt THEN coalesce(j->>'datlocale', j->>'daticulocale', j->>'datcollate')
                              ELSE coalesce(j->>'colllocale', j->>'colliculocale', j->>'collcollate') END AS locale,
                         coalesce(j->>'daticurules', j->>'collicurules') AS rules,
                         CASE WHEN dflt THEN pg_database_collation_actual_version(d.oid) ELSE pg_collation_actual_version(co.oid) END AS version) u ON true
   WHERE co.oid = a.attcollation)`

/** Since 18 a column is marked as never null by constraints, too, that nobody has checked its rows against. */
const NEVER_NULL = `a.attnotnull AND NOT EXISTS (
  SELECT FROM pg_constraint nn WHERE nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum] AND NOT nn.convalidated)`

/** Not ours to compare, and never the same: the fence of `capstan`, temporary tables, what belongs to an extension, and partitions, which are
 *  read through their root. An inheriting table is a table of its own, read with ONLY. */
const tablesSql = (bytesOf: string): string => `
  SELECT n.nspname::text AS schema, c.relname::text AS table,
         quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
         c.relkind = 'p' AS partitioned, c.relrowsecurity AS "rowSecurity",
         (SELECT quote_ident(ln.nspname) || '.' || quote_ident(l.relname)
            FROM pg_class l JOIN pg_namespace ln ON ln.oid = l.relnamespace
           WHERE (l.oid = c.oid OR (c.relkind = 'p' AND l.relkind = 'r' AND l.oid IN (SELECT relid FROM pg_partition_tree(c.oid))))
             AND NOT (has_table_privilege(l.oid, 'SELECT') AND has_schema_privilege(ln.oid, 'USAGE'))
           ORDER BY l.oid <> c.oid, 1 LIMIT 1) AS unreadable,
         CASE WHEN c.relkind = 'p' THEN (SELECT string_agg(relid::oid::text, ' ' ORDER BY relid::oid) FROM pg_partition_tree(c.oid)) ELSE '' END AS parts,
         c.relkind = 'p' AND EXISTS (SELECT FROM pg_partition_tree(c.oid) JOIN pg_class l ON l.oid = relid WHERE l.relkind = 'f') AS "foreignPartitions",
         (SELECT coalesce(sum(${bytesOf}), 0)::bigint FROM pg_class l
           WHERE l.relkind = 'r' AND (l.oid = c.oid OR (c.relkind = 'p' AND l.oid IN (SELECT relid FROM pg_partition_tree(c.oid))))) AS bytes,
         (SELECT coalesce(json_agg(json_build_object(
                   'name', a.attname, 'type', format_type(a.atttypid, -1), 'base', format_type(b.oid, -1), 'isEnum', b.typtype = 'e',
                   'send', CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace AND b.typtype IN ('b', 'r', 'm') AND b.typname NOT LIKE 'reg%'
                                 AND (b.typelem = 0 OR b.typcategory <> 'A'
                                      OR (e.typnamespace = 'pg_catalog'::regnamespace AND e.typtype IN ('b', 'r', 'm')
                                          AND e.typname NOT LIKE 'reg%' AND e.typsend <> 0))
                                THEN (SELECT p.proname FROM pg_proc p WHERE p.oid = b.typsend) END,
                   'labels', CASE WHEN b.typtype = 'e'
                                  THEN (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = b.oid) END,
                   'collation', CASE WHEN a.attcollation <> 0 THEN ${COLLATION_OF} END)
                 ORDER BY a.attnum), '[]')
            FROM pg_attribute a
            JOIN LATERAL (WITH RECURSIVE under AS (
                            SELECT t.* FROM pg_type t WHERE t.oid = a.atttypid
                            UNION ALL SELECT t.* FROM under u JOIN pg_type t ON t.oid = u.typbasetype WHERE u.typtype = 'd')
                          SELECT * FROM under WHERE typtype <> 'd') b ON true
            LEFT JOIN pg_type e ON e.oid = b.typelem
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
         (SELECT coalesce(json_agg(json_build_object('primary', i.indisprimary, 'columns', k.columns, 'plainOrder', k.plain)
                   ORDER BY i.indisprimary DESC, i.indnkeyatts, ic.relname), '[]')
            FROM pg_index i
            JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
            JOIN LATERAL (SELECT json_agg(a.attname ORDER BY o.at) AS columns, bool_and(${NEVER_NULL}) AS never_null, count(*) AS found,
                                 bool_and(oc.opcdefault AND (i.indcollation[o.at - 1] = a.attcollation OR a.attcollation = 0)) AS plain
                            FROM unnest(i.indkey::int2[]) WITH ORDINALITY o(number, at)
                            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.number
                            JOIN pg_opclass oc ON oc.oid = i.indclass[o.at - 1]
                           WHERE o.at <= i.indnkeyatts) k ON true
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
             AND am.amname = 'btree' AND k.never_null AND k.found = i.indnkeyatts) AS keys
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
     AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'capstan')
     AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
   ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`

const OUTSIDE = `
  SELECT 'sequences' AS what, count(*) AS count FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'S' AND n.nspname NOT IN ('capstan', 'pg_catalog', 'information_schema')
  UNION ALL SELECT 'large objects', count(*) FROM pg_largeobject_metadata
  UNION ALL SELECT 'materialized views', count(*) FROM pg_class WHERE relkind = 'm'
  UNION ALL SELECT 'foreign tables', count(*) FROM pg_class WHERE relkind = 'f'`

/** SQL over `l`, a row of pg_class. To measure a table is to wait for whoever has locked it; what VACUUM found last is there for all to read. */
const BYTES = {
  measured: 'pg_table_size(l.oid)',
  remembered: `greatest(l.relpages, 0)::bigint * current_setting('block_size')::int`,
} as const

type TableRow = Omit<CatalogTable, 'quoted'> & { readonly schema: string; readonly table: string }

/** `session`: its search_path is pg_catalog. `bytes`: where the tables' sizes come from. */
export async function readCatalog(
  session: Session,
  signal?: AbortSignal,
  bytes: keyof typeof BYTES = 'measured',
): Promise<Catalog> {
  const [server] = await session.query<{ encoding: string }>(`SELECT current_setting('server_encoding') AS encoding`, [], {
    signal,
  })
  const rows = await session.query<TableRow & Record<string, unknown>>(tablesSql(BYTES[bytes]), [], { signal })
  const outside = await session.query<{ what: string; count: number }>(OUTSIDE, [], { signal })
  return {
    encoding: server?.encoding ?? '',
    tables: rows.map(({ schema, table, ...row }) => ({
      ...row,
      bytes: Number(row.bytes),
      quoted: quoteQualified(schema, table),
    })),
    outside: outside.filter(({ count }) => count > 0).map(({ what }) => what),
  }
}

/** What SQL reads the table by: a parent without its children's rows, which are tables of their own. */
export function fromTable({ quoted, partitioned }: Pick<CatalogTable, 'quoted' | 'partitioned'>): string {
  return partitioned ? quoted : `ONLY ${quoted}`
}

/** SQL of a value as its output function writes it, without any cast: these can be somebody's own. For a value that is not NULL. */
export const outputText = (column: Pick<CatalogColumn, 'name'>): string => `format('%s', ${columnText(column)})`

export const columnText = ({ name }: Pick<CatalogColumn, 'name'>): string => `t.${quoteIdentifier(name)}`
