/** What has to hold before rows of a standby that stands are given up, asked while a refusal costs nothing yet. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { lacksIdentity } from '../health/lacks-identity'
import { MAY_READ, ROWS_HIDDEN } from './readable'
import { type NamedTable, resolveTables, shownList } from './tables'

/** Of what is named, and of all that it stands for: a partitioned table has its rows, and its keys, in its partitions. */
const WITH_PARTITIONS = `
  SELECT t.oid FROM pg_catalog.unnest($1::bigint[]::oid[]) t(oid)
  UNION SELECT p.relid::oid FROM pg_catalog.unnest($1::bigint[]::oid[]) t(oid), pg_catalog.pg_partition_tree(t.oid::regclass) p`

const REFERRING = `
  WITH ours AS (${WITH_PARTITIONS})
  SELECT DISTINCT k.conrelid::regclass::text AS "from", k.confrelid::regclass::text AS "to" FROM pg_catalog.pg_constraint k
   WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM ours) AND k.conrelid NOT IN (SELECT oid FROM ours) ORDER BY 1, 2`

/** As PostgreSQL refuses to empty them, whether the referring table has rows or not. Throws DATABASE_REFUSED; changes nothing. */
export async function refuseReferred(standby: Session, names: readonly string[]): Promise<void> {
  const tables = await resolveTables(standby, names)
  const keys = await standby.query<{ from: string; to: string }>(REFERRING, [oidsOf(tables)])
  if (keys.length === 0) return
  const { host, database } = standby.endpoint
  const shown = shownList(keys.map(({ from, to }) => `${from} refers to ${to}`))
  throw failure(
    'DATABASE_REFUSED',
    `Tables of ${database} on ${host} cannot be emptied alone (${shown}), and nothing was changed: seed the whole standby anew, without --table, or drop that key there first.`,
    { host, database, tables: tables.length },
  )
}

const ANONYMOUS = `
  WITH ours AS (${WITH_PARTITIONS})
  SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class c
   WHERE c.oid IN (SELECT oid FROM ours) AND (c.relkind = 'r' OR NOT c.relispartition) AND ${lacksIdentity('c')} ORDER BY 1`

/** Once it is published, every UPDATE and DELETE of such a table fails on the source. Throws DATABASE_REFUSED; changes nothing. */
export async function refuseAnonymous(source: Session, names: readonly string[]): Promise<void> {
  const tables = await resolveTables(source, names)
  const found = await source.query<{ name: string }>(ANONYMOUS, [oidsOf(tables)])
  if (found.length === 0) return
  const { host, database } = source.endpoint
  const shown = shownList(found.map(({ name }) => name))
  throw failure(
    'DATABASE_REFUSED',
    `Tables of ${database} on ${host} are not published yet and have nothing that names a row (${shown}): published, every UPDATE and DELETE of them would fail there. Give each a primary key, or REPLICA IDENTITY FULL, then try again.`,
    { host, database, tables: found.length },
  )
}

const UNREADABLE = `
  SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class c, pg_catalog.pg_roles r
   WHERE c.oid = ANY ($1::bigint[]::oid[]) AND r.rolname = $2 AND (NOT ${MAY_READ} OR ${ROWS_HIDDEN}) ORDER BY 1`

/** A table that was made since the standby was set up may be granted to nobody yet: its copy would fail without end, or bring a part. `role`: by which the
 *  standby comes. Throws DATABASE_REFUSED; changes nothing. */
export async function refuseUnreadable(source: Session, names: readonly string[], role: string): Promise<void> {
  const tables = await resolveTables(source, names)
  const found = await source.query<{ name: string }>(UNREADABLE, [oidsOf(tables), role])
  if (found.length === 0) return
  const { host, database } = source.endpoint
  const shown = shownList(found.map(({ name }) => name))
  throw failure(
    'DATABASE_REFUSED',
    `${role}, by which the standby comes, may not read all of ${database} on ${host} that it is to copy (${shown}), and nothing was changed: GRANT USAGE on the schema and SELECT on the table, and where row security is on a policy that shows it all rows, then try again.`,
    { host, database, role, tables: found.length },
  )
}

/** Superusers are the cloud's own. */
const WRITERS = `
  SELECT DISTINCT a.usename::text AS role, count(*) OVER (PARTITION BY a.usename)::int AS sessions
    FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
   WHERE a.datname = pg_catalog.current_database() AND coalesce(a.backend_type, 'client backend') = 'client backend' AND NOT r.rolsuper
     AND a.pid <> pg_catalog.pg_backend_pid() AND NOT (a.usename = ANY ($1::text[]))
     AND EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'capstan')
                    AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
                    AND pg_catalog.has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
   ORDER BY 1`

/** A standby that applications have been pointed at by hand has rows that its source never had: what comes from there would strike them, and seeding it
 *  anew would throw them away. `own`: the roles by which we come ourselves. Who only reads is not asked. Throws DATABASE_REFUSED; changes nothing. */
export async function refuseWriters(standby: Session, own: readonly string[]): Promise<void> {
  const writers = await standby.query<{ role: string; sessions: number }>(WRITERS, [own])
  if (writers.length === 0) return
  const { host, database } = standby.endpoint
  const shown = shownList(writers.map(({ role, sessions }) => `${role}: ${sessions}`))
  throw failure(
    'DATABASE_REFUSED',
    `Sessions of roles that may write are in the standby ${database} on ${host} (${shown}), and nothing was changed. If applications write there by now, it is no standby any more: leave it, and remove it with "capstan standby remove". If they do not, end those sessions, then try again.`,
    { host, database, roles: writers.length },
  )
}

function oidsOf(tables: readonly NamedTable[]): number[] {
  return tables.map(({ oid }) => oid)
}
