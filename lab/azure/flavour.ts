/** Azure Database for PostgreSQL inside the database: `azuresu` is the superuser and belongs to the cloud; the administrator that the
 *  customer named is a member of `azure_pg_admin`, which is no superuser. Source: Azure's pages "Create users" and "Security". */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Flavour, Master } from '../postgres/flavour'
import { identifier, literal } from '../postgres/session'

/** Those of Azure's supported extensions that these binaries have and PostgreSQL does not trust by itself. */
const EXTENSIONS = [
  'amcheck',
  'bloom',
  'dblink',
  'dict_int',
  'dict_xsyn',
  'earthdistance',
  'intagg',
  'pageinspect',
  'pg_buffercache',
  'pg_freespacemap',
  'pg_prewarm',
  'pg_stat_statements',
  'pg_visibility',
  'pgrowlocks',
  'pgstattuple',
  'postgres_fdw',
  'sslinfo',
]

const SETTABLE = ['session_replication_role', 'log_statement', 'log_min_duration_statement', 'log_lock_waits', 'deadlock_timeout']

export const FLEXIBLE_SERVER: Flavour = {
  name: 'flexible-server',
  administrator: 'azuresu',
  extensions: EXTENSIONS,
  bootstrap,
}

/** Membership in these is the server's operating-system user. On 15 a role with CREATEROLE may grant any role that is no
 *  superuser, itself included; the attribute is not inherited, so marking them as superusers only closes that door. */
const SERVER_FILE_ROLES = `UPDATE pg_authid SET rolsuper = true
  WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')`

function bootstrap(master: Master, major: PostgresMajor): string[] {
  const name = identifier(master.name)
  const predefined = ['pg_monitor', 'pg_signal_backend', 'pg_checkpoint', 'pg_read_all_data', 'pg_write_all_data']
  if (major >= 16) predefined.push('pg_use_reserved_connections', 'pg_create_subscription')
  if (major >= 17) predefined.push('pg_maintain')
  return [
    ...(major < 16 ? [SERVER_FILE_ROLES] : []),
    'CREATE ROLE azure_pg_admin NOLOGIN',
    `GRANT ${predefined.join(', ')} TO azure_pg_admin WITH ADMIN OPTION`,
    `GRANT SET ON PARAMETER ${SETTABLE.join(', ')} TO azure_pg_admin WITH GRANT OPTION`,
    // REPLICATION cannot be had through membership in stock PostgreSQL: the administrator has it itself
    `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD ${literal(master.verifier)}`,
    `GRANT azure_pg_admin TO ${name} WITH ADMIN OPTION`,
    'CREATE DATABASE azuresu OWNER azuresu',
    'ALTER DATABASE postgres OWNER TO azure_pg_admin',
  ]
}
