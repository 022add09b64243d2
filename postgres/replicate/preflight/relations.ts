/** What of a database is its users' own, and what of it is published.
 *
 *  Published are ordinary tables and the roots of partitioned ones, with `publish_via_partition_root`. *Rejected*: the partitions themselves. A
 *  publication has an explicit list, so that rows of a partition that is attached later would be in none and be missing without a word; by its
 *  root they are sent, and the standby may be cut into other partitions.
 *
 *  Left out are Capstan's own schemas (the row that beats is added by whoever publishes), what belongs to an extension, and the history of
 *  migrations: the standby's schema is built by the same migrations, which write their own history there, and copied rows would meet theirs. */
import type { HistoryLocation } from '../../migrate/history'

const OWN_SCHEMAS = `'capstan', 'capstan_kept', 'capstan_proof'`

/** SQL that is true of a row `n` of pg_namespace that is neither PostgreSQL's nor ours. */
export const ofUsers = (n: string): string =>
  `${n}.nspname !~ '^pg_' AND ${n}.nspname NOT IN ('information_schema', ${OWN_SCHEMAS})`

/** SQL that is true of a row of `catalog` that no extension has brought. */
export const notOfExtension = (row: string, catalog = 'pg_class'): string =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.${catalog}'::regclass AND x.objid = ${row}.oid AND x.deptype = 'e')`

/** What is shown of a row `c` of pg_class in `n`. */
export const NAME = `quote_ident(n.nspname) || '.' || quote_ident(c.relname)`

/** In one order on every server. */
export const BY_NAME = `n.nspname COLLATE "C", c.relname COLLATE "C"`

export const RELATIONS = 'pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace'

/** SQL that is true of a materialized view `c` in `n`. */
export const MATERIALIZED_VIEW = `c.relkind = 'm' AND ${ofUsers('n')} AND ${notOfExtension('c')}`

/** SQL that is true of a table `c` in `n` whose rows are sent, by its own name or its root's. Takes `historyValues` as $1 and $2. */
export const CARRIED = `(c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND ${ofUsers('n')} AND ${notOfExtension('c')}
          AND NOT (n.nspname = $1 AND c.relname = $2))`

/** Of these what the publication names. */
export const PUBLISHED = `(NOT c.relispartition AND ${CARRIED})`

export const PUBLISHED_TABLES = `SELECT ${NAME} AS shown FROM ${RELATIONS} WHERE ${PUBLISHED} ORDER BY ${BY_NAME}`

export const historyValues = ({ schema, table }: HistoryLocation): readonly [string, string] => [schema, table]
