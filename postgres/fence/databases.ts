/** The databases of an instance, and which of them a fence has to close. */
import type { FenceScope } from '../../contracts/fence'
import type { Session } from '../connect/session'
import { type OwnerWay, ownerWay } from './act-as'
import { KEYHOLE } from './keyhole'

export interface FencedDatabase {
  readonly name: string
  readonly oid: number
  readonly owner: string
  /** Takes connections. */
  readonly open: boolean
  /** How we may close it; null: we may not. */
  readonly way: OwnerWay | null
  /** Everybody has CONNECT. */
  readonly public: boolean
  /** Who has CONNECT by a grant of their own, the owner included. */
  readonly grantees: readonly string[]
}

/** A cloud's own, into which it lets nobody, where a superuser owns them. */
export const VENDORS = ['rdsadmin', 'azuresu', 'azure_maintenance', 'azure_sys', 'cloudsqladmin']

/** Those of the scope, by name. `missing`: of the scope, and not there. */
export async function databasesOf(
  session: Session,
  scope: FenceScope,
): Promise<{ readonly databases: readonly FencedDatabase[]; readonly missing: readonly string[] }> {
  const wanted = scope === 'instance' ? null : scope.databases
  const databases = await session.query<FencedDatabase>(
    `WITH a AS (SELECT DISTINCT x.oid, e.grantee FROM pg_catalog.pg_database x,
              pg_catalog.aclexplode(coalesce(x.datacl, pg_catalog.acldefault('d', x.datdba))) e WHERE e.privilege_type = 'CONNECT')
     SELECT d.datname::text AS name, d.oid::bigint AS oid, o.rolname::text AS owner, d.datallowconn AS open, ${ownerWay(session)} AS way,
            EXISTS (SELECT FROM a WHERE a.oid = d.oid AND a.grantee = 0) AS public,
            ARRAY(SELECT r.rolname::text FROM a JOIN pg_catalog.pg_roles r ON r.oid = a.grantee WHERE a.oid = d.oid ORDER BY 1) AS grantees
       FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba
      WHERE CASE WHEN $1::text[] IS NULL THEN d.datname <> $2 AND d.datname <> 'template0' AND NOT (o.rolsuper AND d.datname = ANY ($3::name[]))
                 ELSE d.datname = ANY ($1::name[]) END
      ORDER BY d.datname`,
    [wanted, KEYHOLE, VENDORS],
  )
  const missing = (wanted ?? []).filter((name) => !databases.some((one) => one.name === name))
  return { databases, missing }
}
