/** SQL that is written down to be said by a person, in psql. Values are filled in: nothing can be bound on paper. */
import { quoteIdentifier } from '../connect/quote'

/** As whom rows of who may act are raised; what begins so is no worker's. */
export const BY_HAND = 'by hand'
export const BREAK_GLASS = 'break-glass'

/** `shown`: a text that no server takes otherwise, whatever is in it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export const names = (roles: readonly string[]): string => `ARRAY[${roles.map(literal).join(', ')}]::text[]`

/** Whoever acts under an older row is ended before and after: a transaction that is open holds the row, and one that began in between fails by itself. */
export function raising(operation: string): string[] {
  const end =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ '^c[0-9]+[.][0-9]+ ';"
  const who = literal(`${BY_HAND}: ${operation}`)
  return [
    end,
    `UPDATE capstan.fence SET epoch = epoch + 1, attempt = 0, operation = ${who}, raised_at = now() WHERE operation IS DISTINCT FROM ${who};`,
    end,
  ]
}

export const RAISED = `SELECT coalesce(bool_or(operation LIKE '${BY_HAND}%' OR operation LIKE '${BREAK_GLASS}%'), false) FROM capstan.fence`

/** CONNECT of everybody but the owner and these, written down in the keyhole as Capstan does, so that Capstan can give it back. */
export function keepingOut(operation: string, database: string, keeps: readonly string[]): string[] {
  const grants = `FROM pg_database d CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e LEFT JOIN pg_roles r ON r.oid = e.grantee WHERE d.datname = ${literal(database)} AND e.privilege_type = 'CONNECT' AND e.grantee <> d.datdba`
  const taken = `(e.grantee = 0 OR r.rolname <> ALL (${names(keeps)}))`
  const lacking = `SELECT k.rolname FROM pg_roles k JOIN pg_database d ON d.datname = ${literal(database)} WHERE k.rolname = ANY (${names(keeps)}) AND k.oid <> d.datdba AND NOT EXISTS (SELECT FROM aclexplode(d.datacl) g WHERE g.grantee = k.oid AND g.privilege_type = 'CONNECT')`
  return [
    'BEGIN;',
    `INSERT INTO capstan.kept_out AS held (oid, operation, grants, added) SELECT d.oid, ${literal(operation)}, coalesce((SELECT jsonb_agg(jsonb_build_object('role', r.rolname, 'grantable', e.is_grantable)) ${grants} AND ${taken}), '[]'), ARRAY(${lacking}) FROM pg_database d WHERE d.datname = ${literal(database)} ON CONFLICT (oid) DO UPDATE SET grants = held.grants || excluded.grants, added = held.added || excluded.added;`,
    `SELECT format('GRANT CONNECT ON DATABASE %I TO %I', ${literal(database)}, l.rolname) FROM (${lacking}) l \\gexec`,
    `SELECT format('REVOKE CONNECT ON DATABASE %I FROM %s', d.datname, CASE WHEN e.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END) ${grants} AND ${taken} \\gexec`,
    'COMMIT;',
    `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.datname = ${literal(database)} AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' AND NOT has_database_privilege(a.usesysid, a.datid, 'CONNECT');`,
  ]
}

/** The reverse: what was taken is given back, PUBLIC (whose role is null) among them, and what was given is taken, but from those that `stay`. A role that is gone
 *  is passed over. */
export function lettingIn(database: string, stay: readonly string[] = []): string[] {
  const held = `FROM capstan.kept_out k JOIN pg_database d ON d.oid = k.oid AND d.datname = ${literal(database)}`
  return [
    'BEGIN;',
    `SELECT DISTINCT format('GRANT CONNECT ON DATABASE %I TO %s%s', d.datname, CASE WHEN g ->> 'role' IS NULL THEN 'PUBLIC' ELSE quote_ident(g ->> 'role') END, CASE WHEN (g ->> 'grantable')::boolean THEN ' WITH GRANT OPTION' ELSE '' END) ${held} CROSS JOIN LATERAL jsonb_array_elements(k.grants) g WHERE g ->> 'role' IS NULL OR EXISTS (SELECT FROM pg_roles WHERE rolname = g ->> 'role') \\gexec`,
    `SELECT DISTINCT format('REVOKE CONNECT ON DATABASE %I FROM %I', d.datname, a.role) ${held} CROSS JOIN LATERAL unnest(k.added) a(role) WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = a.role)${stay.length === 0 ? '' : ` AND a.role <> ALL (${names(stay)})`} AND NOT EXISTS (SELECT FROM jsonb_array_elements(k.grants) g WHERE g ->> 'role' = a.role) \\gexec`,
    `DELETE FROM capstan.kept_out WHERE oid = (SELECT oid FROM pg_database WHERE datname = ${literal(database)});`,
    'COMMIT;',
  ]
}

export const keptOut = (database: string): string =>
  `SELECT EXISTS (SELECT FROM capstan.kept_out k JOIN pg_database d ON d.oid = k.oid WHERE d.datname = ${literal(database)})`

/** By another operation: of whoever keeps them out himself none is shown, nor once they are let in. */
export const keptOutByOthers = (operation: string, database: string): string =>
  `SELECT k.operation FROM capstan.kept_out k JOIN pg_database d ON d.oid = k.oid WHERE d.datname = ${literal(database)} AND k.operation <> ${literal(operation)}`

/** In the keyhole of the old writer, whatever the ledger will say: writing has moved away from it. Only while it is closed. */
export function movingAway(operation: string, database: string, writer: string): string {
  return `INSERT INTO capstan.moved_away (oid, operation, writer) SELECT d.oid, ${literal(operation)}, ${literal(writer)} FROM pg_database d JOIN capstan.closed_database c ON c.oid = d.oid WHERE d.datname = ${literal(database)} AND (NOT d.datallowconn OR d.datconnlimit = 0) ON CONFLICT (oid) DO UPDATE SET operation = excluded.operation, writer = excluded.writer, at = now();`
}

export const movedAway = (operation: string, database: string): string =>
  `SELECT EXISTS (SELECT FROM capstan.moved_away m JOIN pg_database d ON d.oid = m.oid WHERE d.datname = ${literal(database)} AND m.operation = ${literal(operation)})`

export const forgettingMoved = (database: string): string =>
  `DELETE FROM capstan.moved_away WHERE oid = (SELECT oid FROM pg_database WHERE datname = ${literal(database)});`

/** That it is closed and that it is written down who closed it go together. */
export function closing(operation: string, database: string): string[] {
  return [
    'BEGIN;',
    `INSERT INTO capstan.closed_database (oid, name, operation) SELECT oid, datname, ${literal(operation)} FROM pg_database WHERE datname = ${literal(database)} AND datallowconn ON CONFLICT (oid) DO UPDATE SET operation = excluded.operation, closed_at = now(), proven_at = NULL, connection_limit = NULL;`,
    `ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS false;`,
    'COMMIT;',
  ]
}

export function opening(database: string, limit: number): string[] {
  return [
    'BEGIN;',
    `DELETE FROM capstan.closed_database WHERE oid = (SELECT oid FROM pg_database WHERE datname = ${literal(database)});`,
    `ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS true CONNECTION LIMIT ${limit};`,
    'COMMIT;',
  ]
}

export function lettingWorkersIn(database: string, limit: number): string[] {
  return [
    'BEGIN;',
    `UPDATE capstan.closed_database SET connection_limit = ${limit} WHERE oid = (SELECT oid FROM pg_database WHERE datname = ${literal(database)});`,
    `ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS true CONNECTION LIMIT 0;`,
    'COMMIT;',
  ]
}

/** Of one that stays closed. */
export function passing(operation: string, database: string, limit: number): string {
  return `UPDATE capstan.closed_database c SET connection_limit = ${limit} FROM pg_database d WHERE d.oid = c.oid AND d.datname = ${literal(database)} AND c.operation = ${literal(operation)} AND NOT d.datallowconn;`
}

export const passed = (operation: string, database: string): string =>
  `SELECT EXISTS (SELECT FROM capstan.closed_database c JOIN pg_database d ON d.oid = c.oid WHERE d.datname = ${literal(database)} AND c.operation = ${literal(operation)} AND c.connection_limit IS NOT NULL AND NOT d.datallowconn)`

/** How a database takes connections: `NOT datallowconn`, `datconnlimit = 0`. */
export const ofDatabase = (database: string, what: string): string =>
  `SELECT ${what} FROM pg_database WHERE datname = ${literal(database)}`

export const subscriptionIs = (name: string, what: string): string =>
  `SELECT EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database() AND s.subname = ${literal(name)} AND ${what})`

/** A subscription never drops its slot by itself: whether the other side answers or not. */
export function droppingSubscription(name: string): string[] {
  const subscription = quoteIdentifier(name)
  return [
    `ALTER SUBSCRIPTION ${subscription} DISABLE;`,
    `ALTER SUBSCRIPTION ${subscription} SET (slot_name = NONE);`,
    `DROP SUBSCRIPTION ${subscription};`,
  ]
}

export function droppingSlot({ slot, publication }: { readonly slot: string; readonly publication: string }): string[] {
  return [...droppingSlotAlone(slot), `DROP PUBLICATION IF EXISTS ${quoteIdentifier(publication)};`]
}

export function droppingSlotAlone(slot: string): string[] {
  return [
    `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = ${literal(slot)} AND active_pid IS NOT NULL;`,
    `SELECT pg_drop_replication_slot(${literal(slot)});`,
  ]
}

export const slotIs = (slot: string, there: boolean): string =>
  `SELECT ${there ? '' : 'NOT '}EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${literal(slot)})`

/** What it answers is said on the standby. One that never gave a value is left as it is there. */
export const SEQUENCES = `SELECT format('SELECT setval(%L, %s, true);', format('%I.%I', schemaname, sequencename), last_value) FROM pg_sequences WHERE last_value IS NOT NULL AND schemaname NOT IN ('capstan', 'information_schema') AND schemaname NOT LIKE 'pg\\_%';`

export const MARKER = [
  'BEGIN; SET LOCAL synchronous_commit = on; DELETE FROM capstan.standby_marker;',
  "INSERT INTO capstan.standby_marker (value, operation) VALUES (gen_random_uuid()::text, 'by hand') RETURNING value;",
  'COMMIT; SELECT pg_current_wal_flush_lsn();',
] as const

export const confirmed = (slot: string): string =>
  `SELECT confirmed_flush_lsn >= 'THE POSITION' AS passed, active FROM pg_replication_slots WHERE slot_name = ${literal(slot)}; -- until it is passed`
export const MARKER_SEEN = "SELECT EXISTS (SELECT FROM capstan.standby_marker WHERE value = 'THE VALUE'); -- until it is true"

/** Its own migrations leave lines from here on. */
export const UNBOUND = [
  'ALTER TABLE capstan.schema_line DROP CONSTRAINT IF EXISTS schema_line_bound;',
  'DELETE FROM capstan.standby_bound;',
]
