/** What was altered since a snapshot so that the very same versions of rows may mean other values: a column that was dropped and made anew under its name
 *  has other ones in rows that nobody touched. A catalog keeps who wrote each of its rows. */
import { isOld } from './horizon'
import type { Side } from './side'

/** Anything of types may be anywhere. */
const EVERYTHING = '*'

/** `horizon`: every transaction with a smaller number had ended (64 bits, as text). The predicate is of a table's name, as catalogs have it. */
export async function alteredSince(side: Side, horizon: string): Promise<(table: string) => boolean> {
  const rows = await side.query<{ name: string }>(alteredSql(horizon))
  const names = new Set(rows.map(({ name }) => name))
  return (table) => names.has(EVERYTHING) || names.has(table)
}

/** An array's type comes with every table's. */
function alteredSql(horizon: string): string {
  const isNew = (alias: string) => `NOT (${isOld(`${alias}.xmin`, horizon)})`
  return `
    SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(r.relname) AS name
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_class r ON r.oid = CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END
      JOIN pg_namespace n ON n.oid = r.relnamespace
     WHERE a.attnum > 0 AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${isNew('a')}
    UNION ALL SELECT '${EVERYTHING}'
     WHERE EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind = 'c' AND ${isNew('a')})
        OR EXISTS (SELECT FROM pg_type t WHERE t.typtype <> 'c' AND t.typcategory <> 'A' AND ${isNew('t')})
        OR EXISTS (SELECT FROM pg_enum e WHERE ${isNew('e')})
        OR EXISTS (SELECT FROM pg_extension x WHERE ${isNew('x')})`
}
