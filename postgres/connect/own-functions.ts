/** Whoever owns a database sets `search_path` and `role` for everybody who connects to it. A path with another schema before pg_catalog lets
 *  that schema's functions run in place of PostgreSQL's own, and a role makes us somebody else: either way the owner's code would run with
 *  our rights. Such a session is refused before anything else is asked. Any other path stays as it is, since migrations rely on theirs:
 *  PostgreSQL looks into pg_catalog first wherever the path does not name it. */
import type { Client } from 'pg'
import { failure } from '../../contracts/failures'
import type { Endpoint } from './errors'

export interface SessionStart {
  readonly pid: number
  readonly version: string
  readonly path: string
  /** The schema that is searched first. */
  readonly first: string | null
  readonly role: string
}

/** Says everything with its schema and uses no operator: nothing else is safe before `refuseForeignPath`. */
export const SESSION_START = `SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.current_setting('server_version_num') AS version,
  pg_catalog.current_setting('search_path') AS path, (pg_catalog.current_schemas(true))[1] AS first, current_user AS role`

/** Throws DATABASE_REFUSED unless PostgreSQL's own functions are found first. The path's text counts too, because a schema in it may be made,
 *  or opened to us, later. */
export function refuseForeignPath({ path, first }: SessionStart, { database, user }: Endpoint): void {
  if (!isBeforeCatalog(path) && (first === 'pg_catalog' || /^pg_temp_\d+$/.test(first ?? ''))) return
  throw failure(
    'DATABASE_REFUSED',
    `The search_path of ${user} in ${database} has another schema before pg_catalog, whose functions would run in place of PostgreSQL's own ` +
      `with the rights of ${user}: find who set it (\\drds in psql), and leave pg_catalog out of it or put it first.`,
    { database, user },
  )
}

/** Whether the path names pg_catalog behind another schema. Functions are never looked up in pg_temp, so that may go first. */
export function isBeforeCatalog(path: string): boolean {
  const schemas = [...path.matchAll(/"((?:[^"]|"")*)"|[^\s,"]+/g)].map(([bare, quoted]) => quoted ?? bare.toLowerCase())
  return schemas.slice(0, Math.max(0, schemas.indexOf('pg_catalog'))).some((schema) => schema !== 'pg_temp')
}

/** Throws DATABASE_REFUSED when the session runs as another role than the one that logged in, and it was not that role's own setting
 *  (`ALTER ROLE … SET role`) that made it so. */
export async function refuseForeignRole(client: Client, { role }: SessionStart, { database, user }: Endpoint): Promise<void> {
  if (role === user) return
  const { rows } = await client.query<{ settings: string[] }>(
    `SELECT s.setconfig AS settings FROM pg_catalog.pg_db_role_setting s
       LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) s.setrole
      WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name
         OR (s.setrole OPERATOR(pg_catalog.=) '0'::pg_catalog.oid AND s.setdatabase OPERATOR(pg_catalog.=) '0'::pg_catalog.oid)`,
    [user],
  )
  if (rows.some(({ settings }) => settings.includes(`role=${role}`))) return
  throw failure(
    'DATABASE_REFUSED',
    `The database ${database} makes ${user} act as ${role}, by a setting of its own: ALTER DATABASE … RESET role, and where it is meant, ` +
      'ALTER ROLE … SET role.',
    { database, user, role },
  )
}
