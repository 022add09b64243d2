/** RDS for PostgreSQL inside the database: `rdsadmin` is the superuser and belongs to the cloud; the master is a member of
 *  `rds_superuser`, which is no superuser. Source: RDS user guide, "Understanding PostgreSQL roles and permissions". */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Flavour, Master } from '../postgres/flavour'
import { identifier, literal } from '../postgres/session'

/** Those of RDS's supported extensions that these binaries have and PostgreSQL does not trust by itself. */
const EXTENSIONS = [
  'amcheck',
  'bloom',
  'dblink',
  'dict_xsyn',
  'earthdistance',
  'intagg',
  'pg_buffercache',
  'pg_freespacemap',
  'pg_prewarm',
  'pg_stat_statements',
  'pg_visibility',
  'pg_walinspect',
  'pgrowlocks',
  'pgstattuple',
  'postgres_fdw',
  'sslinfo',
]

const SETTABLE = ['session_replication_role', 'log_statement', 'log_min_duration_statement', 'log_lock_waits', 'deadlock_timeout']

export const RDS: Flavour = {
  name: 'rds',
  administrator: 'rdsadmin',
  extensions: EXTENSIONS,
  bootstrap,
}

/** Membership in these is the server's operating-system user. On 15 a role with CREATEROLE may grant any role that is no
 *  superuser, itself included; the attribute is not inherited, so marking them as superusers only closes that door. */
const SERVER_FILE_ROLES = `UPDATE pg_authid SET rolsuper = true
  WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')`

function bootstrap(master: Master, major: PostgresMajor): string[] {
  const name = identifier(master.name)
  const database = identifier(master.database)
  const predefined = ['pg_monitor', 'pg_signal_backend', 'pg_checkpoint']
  if (major >= 16) predefined.push('pg_use_reserved_connections', 'pg_create_subscription')
  if (major >= 17) predefined.push('pg_maintain')
  return [
    ...(major < 16 ? [SERVER_FILE_ROLES] : []),
    'CREATE ROLE rds_superuser NOLOGIN',
    'CREATE ROLE rds_replication NOLOGIN',
    'CREATE ROLE rds_iam NOLOGIN',
    'CREATE ROLE rds_password NOLOGIN',
    `GRANT ${predefined.join(', ')}, rds_replication, rds_password TO rds_superuser WITH ADMIN OPTION`,
    `GRANT SET ON PARAMETER ${SETTABLE.join(', ')} TO rds_superuser WITH GRANT OPTION`,
    // REPLICATION cannot be had through membership in stock PostgreSQL: the master has it itself
    `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE REPLICATION PASSWORD ${literal(master.verifier)} VALID UNTIL 'infinity'`,
    `GRANT rds_superuser TO ${name} WITH ADMIN OPTION`,
    'CREATE DATABASE rdsadmin OWNER rdsadmin',
    `ALTER DATABASE postgres OWNER TO ${name}`,
    ...(master.database === 'postgres' ? [] : [`CREATE DATABASE ${database} OWNER ${name}`]),
  ]
}
