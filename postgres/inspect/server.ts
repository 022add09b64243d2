/** Who the server is. Reads only what any role may read; what it may not is null. */
import type { Session } from '../connect/session'

export interface ServerFacts {
  /** For example `15.18`. */
  readonly version: string
  readonly versionNum: number
  /** As text, since it exceeds 2^53. Null where the role may not read it. */
  readonly systemIdentifier: string | null
  readonly database: string
  readonly role: string
  readonly superuser: boolean
  readonly inRecovery: boolean
  /** Insert position of a primary, replay position of a standby. */
  readonly lsn: string | null
  readonly databaseBytes: number
  readonly startedAt: string
  readonly now: string
}

export async function serverFacts(session: Session): Promise<ServerFacts> {
  type Seen = Omit<ServerFacts, 'versionNum' | 'systemIdentifier'> & { mayIdentify: boolean }
  const [row] = await session.query<Seen>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_database()::text AS database, current_user::text AS role,
            (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS superuser,
            pg_is_in_recovery() AS "inRecovery",
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text AS lsn,
            pg_database_size(current_database()) AS "databaseBytes", pg_postmaster_start_time() AS "startedAt", clock_timestamp() AS now,
            has_function_privilege('pg_control_system()', 'EXECUTE') AS "mayIdentify"`,
  )
  if (row === undefined) throw new Error('a SELECT without FROM answered no row')
  const { mayIdentify, ...facts } = row
  return {
    ...facts,
    versionNum: session.serverVersionNum,
    systemIdentifier: mayIdentify ? await systemIdentifier(session) : null,
  }
}

async function systemIdentifier(session: Session): Promise<string | null> {
  const [row] = await session.query<{ id: string }>('SELECT system_identifier::text AS id FROM pg_control_system()')
  return row?.id ?? null
}
