/** Roles are the server's and not the database's: nothing sends them. Who is granted something and is missing blocks, since the migrations that
 *  grant it fail, and so does what compares grants afterwards. Owners differ between clouds, whose masters have other names. */

import { typeable } from '../../../health/words'
import { RESERVED } from '../../../inspect/roles'
import type { Check } from '../check'
import { notOfExtension, ofUsers, RELATIONS } from '../relations'

interface Role extends Record<string, unknown> {
  readonly name: string
  readonly shown: string
  readonly owns: boolean
  readonly granted: boolean
  readonly login: boolean
}

const ROLES_SQL = `
  WITH objects (owner, acl) AS (
    SELECT c.relowner, c.relacl FROM ${RELATIONS} WHERE ${ofUsers('n')} AND ${notOfExtension('c')} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL SELECT c.relowner, a.attacl FROM ${RELATIONS} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
               WHERE ${ofUsers('n')} AND ${notOfExtension('c')}
    UNION ALL SELECT n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n WHERE ${ofUsers('n')}
    UNION ALL SELECT p.proowner, p.proacl FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
               WHERE ${ofUsers('n')} AND ${notOfExtension('p', 'pg_proc')}
    UNION ALL SELECT t.typowner, t.typacl FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
               WHERE t.typtype IN ('d', 'e', 'r') AND ${ofUsers('n')} AND ${notOfExtension('t', 'pg_type')}
    UNION ALL SELECT d.datdba, d.datacl FROM pg_catalog.pg_database d WHERE d.datname = current_database()
    UNION ALL SELECT f.defaclrole, f.defaclacl FROM pg_catalog.pg_default_acl f),
  named (role, owns) AS (
    SELECT owner, true FROM objects
    UNION SELECT g.grantee, false FROM objects CROSS JOIN LATERAL aclexplode(acl) g WHERE g.grantee NOT IN (0, owner))
  SELECT r.rolname::text AS name, quote_ident(r.rolname) AS shown, r.rolcanlogin AS login, bool_or(owns) AS owns, bool_or(NOT owns) AS granted
    FROM named JOIN pg_catalog.pg_roles r ON r.oid = named.role WHERE NOT ${RESERVED} GROUP BY 1, 2, 3 ORDER BY 1`

const THERE = 'SELECT r.rolname::text AS name FROM pg_catalog.pg_roles r WHERE r.rolname = ANY ($1::text[])'

export const ROLES: Check = {
  id: 'roles',
  questions: [
    async ({ source, standby }) => {
      const roles = await source.query<Role>(ROLES_SQL)
      const there = await standby.query<{ name: string }>(THERE, [roles.map(({ name }) => name)])
      const known = new Set(there.map(({ name }) => name))
      const missing = roles.filter(({ name }) => !known.has(name))
      return {
        findings: missing.map(({ shown, owns, granted, login }) => ({
          severity: granted ? 'blocks' : 'note',
          side: 'standby',
          object: typeable(shown),
          message: `The role ${typeable(shown)}, which ${[owns ? 'owns' : '', granted ? 'is granted' : ''].filter(Boolean).join(' and ')} something on the source, does not exist on the standby.`,
          why: granted
            ? 'Migrations that grant it something fail there, and its applications could not go on.'
            : 'What it owns will belong to somebody else there, who may have other rights.',
          command: `CREATE ROLE ${typeable(shown)}${login ? ' LOGIN' : ''}; -- on the standby, with its password and the roles that it is a member of`,
        })),
      }
    },
  ],
}
