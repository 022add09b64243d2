/** Only its owner may close a database, and a master is not every owner. What it may do about that differs by version: until 15 who may create roles
 *  may join any of them, from 16 on only those that it administers. */

import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'

/** `inherits`: has the owner's rights as it is. `set-role`: may become it. `join`: may join it for one transaction. */
export type OwnerWay = 'inherits' | 'set-role' | 'join'

/** Of an owner `o` of pg_roles: the way, or null. */
export function ownerWay({ serverVersionNum }: Pick<Session, 'serverVersionNum'>): string {
  const [set, join] =
    serverVersionNum >= 160_000
      ? [
          'SET',
          // a membership that we granted ourselves would be taken away by the REVOKE
          `pg_catalog.pg_has_role(o.oid, 'MEMBER WITH ADMIN OPTION') AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members g
             WHERE g.roleid = o.oid AND g.member = current_user::regrole AND g.grantor = current_user::regrole)`,
        ]
      : ['MEMBER', `NOT o.rolsuper AND (SELECT u.rolcreaterole FROM pg_catalog.pg_roles u WHERE u.rolname = current_user)`]
  return `CASE WHEN pg_catalog.pg_has_role(o.oid, 'USAGE') THEN 'inherits'
               WHEN pg_catalog.pg_has_role(o.oid, '${set}') THEN 'set-role'
               WHEN ${join} THEN 'join' END`
}

/** Runs one statement with the owner's rights, inside the transaction that is open, in one round trip. Nothing of it outlives the transaction. */
export async function asOwner(session: Session, owner: string, way: OwnerWay, sql: string): Promise<void> {
  await session.execute(ownersSql(session, owner, way, sql))
}

/** The same as text, for who has more to say in that round trip. */
export function ownersSql(
  { serverVersionNum }: Pick<Session, 'serverVersionNum'>,
  owner: string,
  way: OwnerWay,
  sql: string,
): string {
  const role = quoteIdentifier(owner)
  if (way === 'set-role') return `SET LOCAL ROLE ${role}; ${sql}; RESET ROLE`
  if (way === 'inherits') return sql
  const options = serverVersionNum >= 160_000 ? ' WITH INHERIT TRUE, SET FALSE' : ''
  return `GRANT ${role} TO CURRENT_USER${options}; ${sql}; REVOKE ${role} FROM CURRENT_USER`
}
