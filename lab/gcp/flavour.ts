/** Cloud SQL for PostgreSQL inside the database: `cloudsqladmin` is the superuser and belongs to the cloud; `postgres` and whoever is
 *  made through the API are members of `cloudsqlsuperuser`, which is no superuser. Source: "About PostgreSQL users and roles". */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Flavour, Master } from '../postgres/flavour'
import { identifier, literal } from '../postgres/session'

/** Those of Cloud SQL's supported extensions that these binaries have and PostgreSQL does not trust by itself. */
const EXTENSIONS = [
  'amcheck',
  'autoinc',
  'bloom',
  'dblink',
  'dict_xsyn',
  'earthdistance',
  'insert_username',
  'intagg',
  'moddatetime',
  'pg_buffercache',
  'pg_freespacemap',
  'pg_prewarm',
  'pg_stat_statements',
  'pg_visibility',
  'pg_walinspect',
  'pgrowlocks',
  'pgstattuple',
  'postgres_fdw',
  'refint',
  'sslinfo',
]

const SETTABLE = ['session_replication_role', 'log_statement', 'log_min_duration_statement', 'log_lock_waits', 'deadlock_timeout']

/** The role that whoever is made through the API belongs to. */
export const SUPERUSER = 'cloudsqlsuperuser'

export const CLOUD_SQL: Flavour = {
  name: 'cloudsql',
  administrator: 'cloudsqladmin',
  extensions: EXTENSIONS,
  bootstrap,
}

/** Membership in these is the server's operating-system user. On 15 a role with CREATEROLE may grant any role that is no
 *  superuser, itself included; the attribute is not inherited, so marking them as superusers only closes that door. */
const SERVER_FILE_ROLES = `UPDATE pg_authid SET rolsuper = true
  WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')`

function bootstrap(master: Master, major: PostgresMajor): string[] {
  const name = identifier(master.name)
  const predefined = ['pg_monitor', 'pg_signal_backend', 'pg_checkpoint']
  if (major >= 16) predefined.push('pg_use_reserved_connections', 'pg_create_subscription')
  if (major >= 17) predefined.push('pg_maintain')
  return [
    ...(major < 16 ? [SERVER_FILE_ROLES] : []),
    `CREATE ROLE ${SUPERUSER} NOLOGIN CREATEDB CREATEROLE`,
    ...['cloudsqlagent', 'cloudsqliamuser', 'cloudsqliamserviceaccount', 'cloudsqlimportexport'].map(
      (role) => `CREATE ROLE ${role} NOLOGIN`,
    ),
    'CREATE ROLE cloudsqlreplica NOLOGIN REPLICATION',
    `GRANT ${predefined.join(', ')} TO ${SUPERUSER} WITH ADMIN OPTION`,
    `GRANT SET ON PARAMETER ${SETTABLE.join(', ')} TO ${SUPERUSER} WITH GRANT OPTION`,
    // in life every member of cloudsqlsuperuser may give REPLICATION; stock PostgreSQL wants it of the giver, on 15 a superuser
    `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE REPLICATION PASSWORD ${master.verifier === '' ? 'NULL' : literal(master.verifier)}`,
    `GRANT ${SUPERUSER} TO ${name} WITH ADMIN OPTION`,
    'CREATE DATABASE cloudsqladmin OWNER cloudsqladmin',
    `ALTER DATABASE postgres OWNER TO ${SUPERUSER}`,
  ]
}
