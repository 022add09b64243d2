/** Azure Database for PostgreSQL inside the database: `azuresu` is the superuser and belongs to the cloud; the administrator that the
 *  customer named is a member of `azure_pg_admin`, which is no superuser. Source: Azure's pages "Create users" and "Security". */
import type { PostgresMajor } from '../../pgserver/binaries'
import { closeServerFileRoles, type Flavour, type Master, predefinedRoles, SETTABLE } from '../postgres/flavour'
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

export const FLEXIBLE_SERVER: Flavour = {
  name: 'flexible-server',
  administrator: 'azuresu',
  extensions: EXTENSIONS,
  bootstrap,
}

function bootstrap(master: Master, major: PostgresMajor): string[] {
  const name = identifier(master.name)
  const predefined = [...predefinedRoles(major), 'pg_read_all_data', 'pg_write_all_data']
  return [
    ...closeServerFileRoles(major),
    'CREATE ROLE azure_pg_admin NOLOGIN',
    `GRANT ${predefined.join(', ')} TO azure_pg_admin WITH ADMIN OPTION`,
    `GRANT SET ON PARAMETER ${SETTABLE} TO azure_pg_admin WITH GRANT OPTION`,
    // REPLICATION cannot be had through membership in stock PostgreSQL: the administrator has it itself
    `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD ${literal(master.verifier)}`,
    `GRANT azure_pg_admin TO ${name} WITH ADMIN OPTION`,
    'CREATE DATABASE azuresu OWNER azuresu',
    'ALTER DATABASE postgres OWNER TO azure_pg_admin',
  ]
}
