/** Who may do what in a database, as data: roles, memberships, settings of roles and databases, owners and grants, extensions. A physical restore keeps all
 *  of it, so that a difference between a database and its copy says that something was done since, or went wrong.
 *
 *  Reads what any role may read. Passwords cannot be read and are never asked for; values of settings are digests, since some keep secrets in
 *  them. Left out: PostgreSQL's own roles and the clouds', but not who is a member of them. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../contracts/canonical-json'
import { inTransaction, type Session, type StatementOptions } from '../connect/session'

export interface RolesDescription {
  readonly version: 1
  /** 64 hexadecimal digits over `items`. */
  readonly fingerprint: string
  /** What it is, as `role app`, `grants of table public.orders`; and what there is to say of it, in one line. */
  readonly items: Readonly<Record<string, string>>
}

/** Throws the signal's reason once it is aborted. */
export async function describeRoles(session: Session, options: StatementOptions = {}): Promise<RolesDescription> {
  const rows = await inTransaction(session, () => readItems(session, options), 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const items = Object.fromEntries(rows.sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, said }) => [id, said]))
  return { version: 1, fingerprint: sha256(canonicalJson({ version: 1, items })), items }
}

/** One line each: `role app: was "LOGIN …", is "NOLOGIN …"`. */
export function differingRoles(before: RolesDescription, after: RolesDescription): string[] {
  const ids = [...new Set([...Object.keys(before.items), ...Object.keys(after.items)])].sort()
  return ids.flatMap((id) => {
    const [was, is] = [before.items[id], after.items[id]]
    if (was === is) return []
    if (is === undefined) return [`${id}: is gone`]
    return [was === undefined ? `${id}: is new` : `${id}: was "${was}", is "${is}"`]
  })
}

interface Item extends Record<string, unknown> {
  readonly id: string
  readonly said: string
}

async function readItems(session: Session, options: StatementOptions): Promise<Item[]> {
  await session.execute(`SET LOCAL search_path = ''`)
  // as instants, whoever asks
  await session.execute(`SET LOCAL TimeZone = 'UTC'`)
  const items: Item[] = []
  for (const sql of QUESTIONS) items.push(...(await session.query<Item>(sql, [], options)))
  const settings = await session.query<Setting>(SETTINGS, [], options)
  return [...items, ...settings.map(({ id, value }) => ({ id, said: `sha256 ${sha256(value).slice(0, 16)}` }))]
}

interface Setting extends Record<string, unknown> {
  readonly id: string
  readonly value: string
}

/** SQL that is true of a row `r` of pg_roles that PostgreSQL made, or a cloud, which changes them as it likes. */
export const RESERVED = `r.rolname ~ '^(pg_|rds_|rdsadmin|rdsrepladmin|rdstopmgr|azuresu|azure_|localadmin|cloudsql)'`

/** Grants in PostgreSQL's own notation, in one order; none: the defaults of its kind. */
function grants(acl: string): string {
  return `coalesce((SELECT string_agg(g::text, ', ' ORDER BY g::text) FROM unnest(${acl}) g), 'default')`
}

const USER_SCHEMA = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

const QUESTIONS = [
  `SELECT 'role ' || quote_ident(r.rolname) AS id,
          concat_ws(' ', CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
            CASE WHEN r.rolinherit THEN 'INHERIT' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
            CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
            'CONNECTION LIMIT ' || r.rolconnlimit, 'VALID UNTIL ' || r.rolvaliduntil) AS said
     FROM pg_catalog.pg_roles r WHERE NOT ${RESERVED}`,
  `SELECT 'membership of ' || quote_ident(r.rolname) || ' in ' || quote_ident(o.rolname) AS id,
          string_agg(CASE WHEN m.admin_option THEN 'WITH ADMIN OPTION' ELSE 'member' END, ', ' ORDER BY m.admin_option) AS said
     FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member JOIN pg_catalog.pg_roles o ON o.oid = m.roleid
    WHERE NOT ${RESERVED} GROUP BY r.rolname, o.rolname`,
  `SELECT 'database' AS id, 'owner ' || quote_ident(pg_get_userbyid(d.datdba)) || ', connection limit ' || d.datconnlimit || ', ' || ${grants('d.datacl')} AS said
     FROM pg_catalog.pg_database d WHERE d.datname = current_database()`,
  `SELECT 'extension ' || quote_ident(e.extname) AS id, 'version ' || e.extversion || ' in ' || quote_ident(n.nspname) AS said
     FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace`,
  `SELECT 'grants of schema ' || quote_ident(n.nspname) AS id, 'owner ' || quote_ident(pg_get_userbyid(n.nspowner)) || ', ' || ${grants('n.nspacl')} AS said
     FROM pg_catalog.pg_namespace n WHERE ${USER_SCHEMA}`,
  `SELECT 'grants of ' || CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'table' END
            || ' ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS id,
          'owner ' || quote_ident(pg_get_userbyid(c.relowner)) || ', ' || ${grants('c.relacl')} AS said
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${USER_SCHEMA}`,
  `SELECT 'grants of column ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(a.attname) AS id, ${grants('a.attacl')} AS said
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND ${USER_SCHEMA}`,
  `SELECT 'grants of routine ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS id,
          'owner ' || quote_ident(pg_get_userbyid(p.proowner)) || ', ' || ${grants('p.proacl')} AS said
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE ${USER_SCHEMA} AND (p.proacl IS NOT NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
            WHERE x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND x.objid = p.oid AND x.deptype = 'e'))`,
  `SELECT 'grants of foreign server ' || quote_ident(s.srvname) AS id,
          'owner ' || quote_ident(pg_get_userbyid(s.srvowner)) || ', ' || ${grants('s.srvacl')} AS said
     FROM pg_catalog.pg_foreign_server s`,
  `SELECT 'default grants of ' || quote_ident(pg_get_userbyid(d.defaclrole)) || coalesce(' in ' || quote_ident(n.nspname), '') || ' for ' || d.defaclobjtype::text AS id,
          ${grants('d.defaclacl')} AS said
     FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace`,
]

/** ALTER ROLE … SET, ALTER DATABASE … SET, and ALTER ROLE … IN DATABASE … SET, of this database and of all. */
const SETTINGS = `
  SELECT 'setting ' || split_part(one.pair, '=', 1) || coalesce(' of role ' || quote_ident(r.rolname), '')
           || CASE WHEN s.setdatabase = 0 THEN '' ELSE ' in this database' END AS id,
         substr(one.pair, strpos(one.pair, '=') + 1) AS value
    FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole CROSS JOIN unnest(s.setconfig) AS one(pair)
   WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
     AND (r.oid IS NULL OR NOT ${RESERVED})`

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
