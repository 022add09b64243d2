/** What differs between the managed clouds in the database itself: who the cloud's own administrator is, what the customer's
 *  master may do, and which extensions it may create. */
import type { PostgresMajor } from '../../pgserver/binaries'

export interface Master {
  name: string
  /** Of its password (verifier.ts). */
  verifier: string
  /** The database made for it; the server always has `postgres` as well. */
  database: string
}

export interface Flavour {
  name: string
  /** The cloud's superuser, and its own database, into which nobody else is let. */
  administrator: string
  /** Extensions that the master may create although it is no superuser, beyond PostgreSQL's own trusted ones. */
  extensions: readonly string[]
  /** Statements that make the master and the roles it stands on, run once, in order, in `postgres`, by the administrator. */
  bootstrap(master: Master, major: PostgresMajor): string[]
}

/** Extensions whose functions a master may execute as well, once it has created them: the clouds grant these (assumed of all three). */
export const EXECUTABLE = ['amcheck']

/** What a master may set although it is no superuser. */
export const SETTABLE = 'session_replication_role, log_statement, log_min_duration_statement, log_lock_waits, deadlock_timeout'

/** Roles of PostgreSQL's own that every cloud gives its master. */
export function predefinedRoles(major: PostgresMajor): string[] {
  const roles = ['pg_monitor', 'pg_signal_backend', 'pg_checkpoint']
  if (major >= 16) roles.push('pg_use_reserved_connections', 'pg_create_subscription')
  if (major >= 17) roles.push('pg_maintain')
  return roles
}

/** Membership in these is the server's operating-system user. On 15 a role with CREATEROLE may grant any role that is no
 *  superuser, itself included; the attribute is not inherited, so marking them as superusers only closes that door. */
export function closeServerFileRoles(major: PostgresMajor): string[] {
  if (major >= 16) return []
  const roles = "'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'"
  return [`UPDATE pg_authid SET rolsuper = true WHERE rolname IN (${roles})`]
}
