/** The standby's admin: it owns the subscription, and what is applied is done with the rights of each table's owner (16+). */
import { typeable } from '../../../health/words'
import { RESERVED } from '../../../inspect/roles'
import { type Check, type Look, NOTHING, type Told } from '../check'
import { BY_NAME, CARRIED, historyValues, NAME, notOfExtension, ofUsers, PUBLISHED, RELATIONS } from '../relations'
import { subscribing } from '../subscribing'

async function subscribes({ standby }: Look): Promise<Told> {
  const { may, creates, ...said } = await subscribing(standby)
  const [role, database] = [typeable(said.shown), typeable(said.shownDatabase)]
  const blocked = (message: string, why: string, command: string): Told['findings'] => [
    { severity: 'blocks', side: 'standby', object: role, message, why, command },
  ]
  const from16 = standby.versionNum >= 160_000
  return {
    findings: [
      ...(may === 'no'
        ? blocked(
            `The role ${role} may not subscribe.`,
            from16
              ? 'PostgreSQL lets superusers and members of pg_create_subscription.'
              : 'Before 16 PostgreSQL lets superusers only, which no cloud makes of its customers.',
            from16 ? `GRANT pg_create_subscription TO ${role};` : '-- a standby of PostgreSQL 16 or later',
          )
        : []),
      ...(creates
        ? []
        : blocked(
            `The role ${role} may create nothing in the database ${database}.`,
            'A subscription belongs to a database, and only who may create there can make one.',
            `GRANT CREATE ON DATABASE ${database} TO ${role};`,
          )),
    ],
    notKnown:
      may === 'maybe'
        ? [
            {
              side: 'standby',
              why: `RDS lets members of rds_superuser, as ${role} is, subscribe on 15, where PostgreSQL itself lets superusers only: whether this server does, only trying tells.`,
            },
          ]
        : [],
  }
}

const OWNERS = `SELECT DISTINCT pg_get_userbyid(c.relowner)::text AS name FROM ${RELATIONS} WHERE ${PUBLISHED}`

/** Who owns something on the standby already, or will if owners are as on the source. No migration of a master's makes a superuser an owner. */
const NOT_SETTABLE = `
  SELECT quote_ident(r.rolname) AS shown, quote_ident(current_user) AS me FROM pg_catalog.pg_roles r
   WHERE NOT pg_has_role(r.oid, 'SET')
     AND (r.rolname = ANY ($1::text[]) AND NOT r.rolsuper AND NOT ${RESERVED}
          OR r.oid IN (SELECT c.relowner FROM ${RELATIONS} WHERE c.relkind IN ('r', 'p') AND ${ofUsers('n')} AND ${notOfExtension('c')}))
   ORDER BY r.rolname`

async function actsFor({ source, standby, asked }: Look): Promise<Told> {
  if (standby.versionNum < 160_000) return NOTHING
  const owners = await source.query<{ name: string }>(OWNERS, historyValues(asked.history))
  const names = [...owners.map(({ name }) => name), ...(asked.migrator === null ? [] : [asked.migrator])]
  const roles = await standby.query<{ shown: string; me: string }>(NOT_SETTABLE, [names])
  return {
    findings: roles.map(({ shown, me }) => {
      const [owner, role] = [typeable(shown), typeable(me)]
      return {
        severity: 'blocks',
        side: 'standby',
        object: owner,
        message: `The role ${role} may not act as ${owner}, who owns tables.`,
        why: 'What is applied to a table is done as its owner: the standby would stop at the first row.',
        command: `GRANT ${owner} TO ${role} WITH SET TRUE;`,
      }
    }),
  }
}

interface Forced extends Record<string, unknown> {
  readonly shown: string
  readonly owner: string
}

const FORCED = `
  SELECT ${NAME} AS shown, pg_get_userbyid(c.relowner)::text AS owner FROM ${RELATIONS}
   WHERE ${CARRIED} AND c.relrowsecurity AND c.relforcerowsecurity ORDER BY ${BY_NAME}`

const BYPASSING = `SELECT r.rolname::text AS name FROM pg_catalog.pg_roles r WHERE (r.rolbypassrls OR r.rolsuper) AND r.rolname = ANY ($1::text[])`

/** PostgreSQL applies nothing to a table whose policies count for who applies, which is the owner here. */
async function forcedPolicies({ source, standby, asked }: Look): Promise<Told> {
  if (standby.versionNum < 160_000) return NOTHING
  const tables = await source.query<Forced>(FORCED, historyValues(asked.history))
  const ownerThere = ({ owner }: Forced): string => asked.migrator ?? owner
  const rows = await standby.query<{ name: string }>(BYPASSING, [tables.map(ownerThere)])
  const bypassing = new Set(rows.map(({ name }) => name))
  return {
    findings: tables
      .filter((table) => !bypassing.has(ownerThere(table)))
      .map(({ shown }) => ({
        severity: 'blocks',
        side: 'source',
        object: typeable(shown),
        message: `Row security of table ${typeable(shown)} is forced upon its owner, too.`,
        why: 'What is applied on the standby is done as the owner, which PostgreSQL refuses there: it would stop at the first row.',
        command: `ALTER TABLE ${typeable(shown)} NO FORCE ROW LEVEL SECURITY; -- as a migration; or BYPASSRLS for its owner on the standby`,
      })),
  }
}

export const SUBSCRIBER: Check = { id: 'subscriber', questions: [subscribes, actsFor, forcedPolicies] }
