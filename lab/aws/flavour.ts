/** RDS for PostgreSQL inside the database: `rdsadmin` is the superuser and belongs to the cloud; the master is a member of
 *  `rds_superuser`, which is no superuser. Source: RDS user guide, "Understanding PostgreSQL roles and permissions". */
import type { PostgresMajor } from '../../pgserver/binaries'
import { closeServerFileRoles, type Flavour, type Master, predefinedRoles, SETTABLE } from '../postgres/flavour'
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

export const RDS: Flavour = {
  name: 'rds',
  administrator: 'rdsadmin',
  extensions: EXTENSIONS,
  bootstrap,
}

function bootstrap(master: Master, major: PostgresMajor): string[] {
  const name = identifier(master.name)
  const database = identifier(master.database)
  const predefined = predefinedRoles(major)
  return [
    ...closeServerFileRoles(major),
    'CREATE ROLE rds_superuser NOLOGIN',
    'CREATE ROLE rds_replication NOLOGIN',
    'CREATE ROLE rds_iam NOLOGIN',
    'CREATE ROLE rds_password NOLOGIN',
    `GRANT ${predefined.join(', ')}, rds_replication, rds_password TO rds_superuser WITH ADMIN OPTION`,
    `GRANT SET ON PARAMETER ${SETTABLE} TO rds_superuser WITH GRANT OPTION`,
    // REPLICATION cannot be had through membership in stock PostgreSQL: the master has it itself
    `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE REPLICATION PASSWORD ${literal(master.verifier)} VALID UNTIL 'infinity'`,
    `GRANT rds_superuser TO ${name} WITH ADMIN OPTION`,
    // until 15 who may create roles may grant it
    ...(major >= 16 ? [`GRANT rds_iam TO ${name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`] : []),
    'CREATE DATABASE rdsadmin OWNER rdsadmin',
    `ALTER DATABASE postgres OWNER TO ${name}`,
    ...(master.database === 'postgres' ? [] : [`CREATE DATABASE ${database} OWNER ${name}`]),
  ]
}
