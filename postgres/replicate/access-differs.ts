/** Who may come in, as what and with which settings: no replication carries it, and whoever finds another answer on the new writer is locked out there, or writes something else. */
import type { Session, StatementOptions } from '../connect/session'
import { RESERVED } from '../inspect/roles'

interface Asked extends StatementOptions {
  /** Roles that may differ: masters, and as whom either follows. */
  readonly but: readonly string[]
}

interface Item {
  readonly what: string
  readonly said: string
}

/** Sentences, sorted; none: nobody will notice. Roles and memberships that the standby has besides are nobody's concern, settings are. Passwords cannot be read, and values of settings are not
 *  shown, since some are secrets. Reads only, what any role may read. */
export async function accessDiffers(
  { source, standby }: Readonly<Record<'source' | 'standby', Session>>,
  { but, signal }: Asked,
): Promise<string[]> {
  const ask = async (session: Session, sql: string): Promise<Map<string, string>> => {
    const rows = await session.query<Item>(sql, [but], { signal })
    return new Map(rows.map(({ what, said }) => [what, said]))
  }
  const both = async (sql: string) => Promise.all([ask(source, sql), ask(standby, sql)])
  const [roles, rolesThere] = await both(ROLES)
  const [settings, settingsThere] = await both(SETTINGS)
  const lacking = [...roles].flatMap(([what, said]) => {
    const there = rolesThere.get(what)
    if (there === undefined) return [`${what} is not on the standby.`]
    return there === said ? [] : [`${what} is ${said} on the source and ${there} on the standby.`]
  })
  const others = [...new Set([...settings.keys(), ...settingsThere.keys()])].flatMap((what) => {
    const [here, there] = [settings.get(what), settingsThere.get(what)]
    if (here === there) return []
    if (there === undefined) return [`${what} is set on the source alone.`]
    return [`${what} is ${here === undefined ? 'set on the standby alone' : 'another one on the standby'}.`]
  })
  return [...lacking, ...others].sort()
}

const OURS = (r: string): string =>
  `NOT ${RESERVED.replaceAll('r.rolname', `${r}.rolname`)} AND ${r}.rolname <> ALL ($1::pg_catalog.text[])`

/** Attributes that a cloud gives or takes as it likes are left out. Memberships in a cloud's own roles too; those in PostgreSQL's are none of its. */
const ROLES = `
  SELECT 'The role ' || pg_catalog.quote_ident(r.rolname) AS what,
         pg_catalog.concat_ws(' ', CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN NOT r.rolinherit THEN 'NOINHERIT' END,
           CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolconnlimit >= 0 THEN 'CONNECTION LIMIT ' || r.rolconnlimit END,
           'VALID UNTIL ' || (r.rolvaliduntil AT TIME ZONE 'UTC')) AS said
    FROM pg_catalog.pg_roles r WHERE ${OURS('r')}
  UNION ALL
  SELECT DISTINCT 'The membership of ' || pg_catalog.quote_ident(r.rolname) || ' in ' || pg_catalog.quote_ident(o.rolname), 'there'
    FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member JOIN pg_catalog.pg_roles o ON o.oid = m.roleid
   WHERE ${OURS('r')} AND (o.rolname ~ '^pg_' OR ${OURS('o')})`

/** ALTER ROLE … SET, ALTER DATABASE … SET, and both, of this database and of all. */
const SETTINGS = `
  SELECT 'The setting ' || pg_catalog.split_part(one.pair, '=', 1) || coalesce(' of ' || pg_catalog.quote_ident(r.rolname), '')
           || CASE WHEN s.setdatabase = 0 THEN '' ELSE ' in this database' END AS what,
         pg_catalog.substr(one.pair, pg_catalog.strpos(one.pair, '=') + 1) AS said
    FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole CROSS JOIN pg_catalog.unnest(s.setconfig) AS one(pair)
   WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
     AND (r.oid IS NULL OR (${OURS('r')}))`
