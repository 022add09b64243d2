/** Cloud SQL for PostgreSQL inside the database: `cloudsqladmin` is the superuser and belongs to the cloud; `postgres` and whoever is
 *  made through the API are members of `cloudsqlsuperuser`, which is no superuser. Source: "About PostgreSQL users and roles". */
import type { PostgresMajor } from '../../pgserver/binaries'
import { closeServerFileRoles, type Flavour, type Master, predefinedRoles, SETTABLE } from '../postgres/flavour'
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

/** The role that whoever is made through the API belongs to. */
export const SUPERUSER = 'cloudsqlsuperuser'

export const CLOUD_SQL: Flavour = {
  name: 'cloudsql',
  administrator: 'cloudsqladmin',
  extensions: EXTENSIONS,
  bootstrap,
}

function bootstrap(master: Master, major: PostgresMajor): string[] {
  const name = identifier(master.name)
  const predefined = predefinedRoles(major)
  return [
    ...closeServerFileRoles(major),
    `CREATE ROLE ${SUPERUSER} NOLOGIN CREATEDB CREATEROLE`,
    ...['cloudsqlagent', 'cloudsqliamuser', 'cloudsqliamserviceaccount', 'cloudsqlimportexport'].map(
      (role) => `CREATE ROLE ${role} NOLOGIN`,
    ),
    'CREATE ROLE cloudsqlreplica NOLOGIN REPLICATION',
    `GRANT ${predefined.join(', ')} TO ${SUPERUSER} WITH ADMIN OPTION`,
    `GRANT SET ON PARAMETER ${SETTABLE} TO ${SUPERUSER} WITH GRANT OPTION`,
    // in life every member of cloudsqlsuperuser may give REPLICATION; stock PostgreSQL wants it of the giver, on 15 a superuser
    `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE REPLICATION PASSWORD ${master.verifier === '' ? 'NULL' : literal(master.verifier)}`,
    `GRANT ${SUPERUSER} TO ${name} WITH ADMIN OPTION`,
    'CREATE DATABASE cloudsqladmin OWNER cloudsqladmin',
    `ALTER DATABASE postgres OWNER TO ${SUPERUSER}`,
  ]
}
