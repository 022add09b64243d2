/** The role as which the standby logs in at the source: what it has to be, what it has to read, and by which encryption it comes. */
import type { PreflightFinding } from '../../../../contracts/preflight'
import { typeable } from '../../../health/words'
import { MAY_READ, ROWS_HIDDEN } from '../../readable'
import { type Check, type Look, NOTHING, type Told } from '../check'
import { counted } from '../in-words'
import { BY_NAME, historyValues, NAME, PUBLISHED, RELATIONS } from '../relations'

type Finding = Omit<PreflightFinding, 'check'>

interface Role extends Record<string, unknown> {
  readonly shown: string
  readonly shownDatabase: string
  readonly there: boolean
  /** These are null where it is not there. */
  readonly login: boolean | null
  readonly replicates: boolean | null
  readonly expired: boolean | null
  readonly connects: boolean | null
  readonly limit: number | null
  readonly limits: readonly string[] | null
}

/** RDS gives the right by a role of its own. Of two settings of one name the role's is before the database's, and that of both before either. */
const ROLE = `
  SELECT quote_ident(asked.name) AS shown, quote_ident(current_database()) AS "shownDatabase", r.oid IS NOT NULL AS there, r.rolcanlogin AS login,
         r.rolreplication OR r.rolsuper OR EXISTS (
           SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(r.oid, g.oid, 'MEMBER')) AS replicates,
         coalesce(r.rolvaliduntil < clock_timestamp(), false) AS expired,
         has_database_privilege(r.oid, current_database(), 'CONNECT') AS connects, r.rolconnlimit AS limit,
         (SELECT json_agg(l.name ORDER BY l.name)
            FROM (SELECT DISTINCT ON (1) split_part(one.pair, '=', 1) AS name, one.pair ~ '=0[a-z]*$' AS off
                    FROM pg_catalog.pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS one(pair)
                   WHERE s.setrole IN (0, r.oid) AND one.pair ~ '^(statement_timeout|transaction_timeout)='
                     AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
                   ORDER BY 1, (s.setrole <> 0)::int * 2 + (s.setdatabase <> 0)::int DESC) l
           WHERE NOT l.off) AS limits
    FROM (SELECT $1::text AS name) asked LEFT JOIN pg_catalog.pg_roles r ON r.rolname = asked.name`

async function roleItself({ source, asked }: Look): Promise<Told> {
  const [role] = await source.query<Role>(ROLE, [asked.publisher.user])
  if (role === undefined) throw new Error('a SELECT from one row answered none')
  return { findings: roleProblems(role, source.cloud === 'aws') }
}

function roleProblems(role: Role, rds: boolean): Finding[] {
  const { there, login, replicates, expired, connects, limit, limits } = role
  const name = typeable(role.shown)
  const database = typeable(role.shownDatabase)
  const found = (severity: Finding['severity'], said: string, why: string, command: string): Finding[] => [
    { severity, side: 'source', object: name, message: `The role ${name}, as which the standby logs in, ${said}.`, why, command },
  ]
  const inVain = 'The standby could not log in, or not be sent anything.'
  const made = rds ? `CREATE ROLE ${name} LOGIN; GRANT rds_replication TO ${name};` : `CREATE ROLE ${name} LOGIN REPLICATION;`
  if (!there)
    return found(
      'blocks',
      'does not exist on the source',
      inVain,
      `${made} -- with its password, then GRANT SELECT on what is published`,
    )
  return [
    ...(login ? [] : found('blocks', 'may not log in', inVain, `ALTER ROLE ${name} LOGIN;`)),
    ...(replicates
      ? []
      : found(
          'blocks',
          'may not replicate',
          inVain,
          rds ? `GRANT rds_replication TO ${name};` : `ALTER ROLE ${name} REPLICATION;`,
        )),
    ...(expired
      ? found('blocks', 'has a password that is no longer valid', inVain, `ALTER ROLE ${name} VALID UNTIL 'infinity';`)
      : []),
    ...(connects
      ? []
      : found('blocks', `may not connect to ${database}`, inVain, `GRANT CONNECT ON DATABASE ${database} TO ${name};`)),
    ...(limit !== null && limit >= 0 && limit < 2
      ? found(
          'blocks',
          `may have only ${counted(limit, 'connection')} at a time`,
          'Following takes one and each table that is copied another.',
          `ALTER ROLE ${name} CONNECTION LIMIT -1;`,
        )
      : []),
    ...(limits ?? []).flatMap((setting) =>
      found(
        'warning',
        `has ${setting} set, by itself or by the database`,
        'It ends the copying of a table that takes longer, which begins again and never comes to its end.',
        `ALTER ROLE ${name} IN DATABASE ${database} SET ${setting} = 0;`,
      ),
    ),
  ]
}

interface Unreadable extends Record<string, unknown> {
  readonly shownSchema: string
  readonly role: string
  readonly tables: number
}

/** What is copied is read by its own name, partitions by that of their root. A role that is not there is told already. */
const UNREADABLE = `
  SELECT quote_ident(n.nspname) AS "shownSchema", quote_ident(r.rolname) AS role, count(*) AS tables
    FROM ${RELATIONS} JOIN pg_catalog.pg_roles r ON r.rolname = $3
   WHERE ${PUBLISHED} AND NOT ${MAY_READ}
   GROUP BY 1, 2 ORDER BY 1`

async function unreadable({ source, asked }: Look): Promise<Told> {
  const schemas = await source.query<Unreadable>(UNREADABLE, [...historyValues(asked.history), asked.publisher.user])
  return {
    findings: schemas.map(({ shownSchema, role, tables }) => {
      const [schema, name] = [typeable(shownSchema), typeable(role)]
      return {
        severity: 'blocks',
        side: 'source',
        object: schema,
        message: `The role ${name}, as which the standby logs in, may not read ${counted(tables, 'table')} of the schema ${schema}.`,
        why: 'They cannot be copied: the attempt fails and is made again without end.',
        command: `GRANT USAGE ON SCHEMA ${schema} TO ${name}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${name};`,
      }
    }),
  }
}

interface Hidden extends Record<string, unknown> {
  readonly shown: string
  readonly role: string
}

const HIDDEN = `
  SELECT ${NAME} AS shown, quote_ident(r.rolname) AS role
    FROM ${RELATIONS} JOIN pg_catalog.pg_roles r ON r.rolname = $3
   WHERE ${PUBLISHED} AND ${ROWS_HIDDEN}
   ORDER BY ${BY_NAME}`

async function hiddenRows({ source, asked }: Look): Promise<Told> {
  const tables = await source.query<Hidden>(HIDDEN, [...historyValues(asked.history), asked.publisher.user])
  return {
    findings: tables.map(({ shown, role }) => {
      const [table, name] = [typeable(shown), typeable(role)]
      return {
        severity: 'blocks',
        side: 'source',
        object: table,
        message: `Table ${table} has row security, which hides rows from ${name}, as which the standby logs in.`,
        why: 'What is hidden is not copied, and nobody is told so.',
        command: `CREATE POLICY capstan_publisher ON ${table} FOR SELECT TO ${name} USING (true); -- or ALTER ROLE ${name} BYPASSRLS, where the server lets you`,
      }
    }),
  }
}

interface Encryption extends Record<string, unknown> {
  readonly ssl: boolean
  readonly passwords: string
}

const ENCRYPTION = `SELECT current_setting('ssl')::bool AS ssl, current_setting('password_encryption') AS passwords`

async function encryption({ source, standby, asked }: Look): Promise<Told> {
  const { tls } = asked.publisher
  const [server] = await source.query<Encryption>(ENCRYPTION)
  const found = (side: Finding['side'], rest: Omit<Finding, 'side' | 'object'>): Told => ({
    findings: [{ side, object: null, ...rest }],
  })
  if (tls === 'verify-full' && standby.versionNum < 160_000) {
    return found('standby', {
      severity: 'blocks',
      message: `The publisher's tls is verify-full, and the standby is PostgreSQL ${Math.floor(standby.versionNum / 10_000)}.`,
      why: 'Only from 16 on can a subscriber ask public authorities (sslrootcert=system), and no file of theirs can be laid beside a managed server.',
      command: '-- tls: require in the fleet file, or a standby of 16 or later',
    })
  }
  if (tls === 'disable' && standby.versionNum < 160_000) {
    return found('standby', {
      severity: 'blocks',
      message: `The publisher's tls is disable, and the standby is PostgreSQL ${Math.floor(standby.versionNum / 10_000)}.`,
      why: 'Only from 16 on can a subscriber refuse to tell its password in clear text to whoever answers in the place of the source (require_auth).',
      command: '-- tls: require in the fleet file, or a standby of 16 or later',
    })
  }
  if (tls === 'disable') {
    return found('source', {
      severity: 'warning',
      message: "The publisher's tls is disable.",
      why: 'All rows go from one cloud to the other in clear text.',
      command: '-- tls: require or verify-full in the fleet file',
    })
  }
  if (tls !== 'require' || server === undefined) return NOTHING
  if (!server.ssl) {
    return found('source', {
      severity: 'blocks',
      message: "The publisher's tls is require, and the source itself does not encrypt (ssl is off).",
      why: 'The server has to prove over the encrypted channel that it knows the password: whatever encrypts in front of it cannot.',
      command: 'ssl = on -- with a certificate, on the server itself; or tls: verify-full in the fleet file',
    })
  }
  if (server.passwords !== 'md5') return NOTHING
  return found('source', {
    severity: 'warning',
    message: "The publisher's tls is require, and the source keeps new passwords as md5 (password_encryption).",
    why: 'Only by a password that is kept as scram-sha-256 can the server prove that it knows it.',
    command: 'password_encryption = scram-sha-256 -- then give the role its password anew',
  })
}

export const PUBLISHER: Check = { id: 'publisher', questions: [roleItself, unreadable, hiddenRows, encryption] }
