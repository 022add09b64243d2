/** What the masters of both sides may, of all that is done behind the fence: a right that is lacking there ends the outage in vain. By questions to the
 *  catalogs, which change nothing; what is made before the fence (slot, subscription) is tried by making it. */
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import { typeable } from '../health/words'
import { readSequences, type SequencesRead } from './watch/sequences'

export interface RightsInput {
  /** As the masters, in the databases. */
  readonly source: Session
  readonly standby: Session
  /** Of the way there. */
  readonly publication: string
  readonly subscription: string
  /** Nothing is made on the source to follow back by. */
  readonly oneWay?: boolean
}

/** A sentence each; none: they may. Reads only. */
export async function rightsLacking(input: RightsInput): Promise<string[]> {
  const { source, standby, oneWay = false } = input
  return [
    ...(await ownTables(source, 'source')),
    ...(await ownTables(standby, 'standby')),
    ...(oneWay ? [] : await subscribing(source)),
    ...(oneWay ? [] : await applying(input)),
    ...(await following(input)),
    ...(await sequences(source, standby)),
  ]
}

/** The marker, and the row of who may act, which is locked to be compared. */
const NEEDED = { fence: ['SELECT', 'UPDATE'], standby_marker: ['SELECT', 'INSERT', 'DELETE'] } as const

async function ownTables(session: Session, side: string): Promise<string[]> {
  const rows = await session.query<{ name: string; privilege: string }>(
    `SELECT n.name, n.privilege FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) n(name, privilege)
      WHERE pg_catalog.to_regclass(n.name) IS NOT NULL AND NOT pg_catalog.has_table_privilege(pg_catalog.to_regclass(n.name)::pg_catalog.oid, n.privilege)`,
    [
      Object.entries(NEEDED).flatMap(([name, privileges]) => privileges.map(() => `capstan.${name}`)),
      Object.values(NEEDED).flat(),
    ],
  )
  const { user } = session.endpoint
  return [...new Set(rows.map(({ name }) => name))].map((name) => {
    const lacking = rows.filter((row) => row.name === name).map(({ privilege }) => privilege)
    return `${user} may not ${lacking.join(', ')} ${name} of the ${side}: GRANT ${lacking.join(', ')} ON ${name} TO ${quoteIdentifier(user)}.`
  })
}

async function subscribing(source: Session): Promise<string[]> {
  const [may] = await source.query<{ subscribes: boolean; creates: boolean }>(
    `SELECT r.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = 'pg_create_subscription' AND pg_catalog.pg_has_role(g.oid, 'USAGE')) AS subscribes,
            pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS creates
       FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`,
  )
  const { user, database } = source.endpoint
  const role = quoteIdentifier(user)
  return [
    ...(may?.subscribes === false
      ? [`${user} may not subscribe on the source, which is the way back: GRANT pg_create_subscription TO ${role}.`]
      : []),
    ...(may?.creates === false
      ? [
          `${user} may create nothing in ${database} of the source: GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${role}.`,
        ]
      : []),
  ]
}

/** What comes over the way back is written as the owner of each table. */
async function applying({ source, publication }: RightsInput): Promise<string[]> {
  if (source.serverVersionNum < 160_000) return []
  const rows = await source.query<{ owner: string; settable: boolean; forced: string | null }>(
    `SELECT o.rolname::text AS owner, bool_and(pg_catalog.pg_has_role(o.oid, 'SET')) AS settable,
            min(t.schemaname || '.' || t.tablename) FILTER (WHERE c.relrowsecurity AND c.relforcerowsecurity AND NOT (o.rolbypassrls OR o.rolsuper)) AS forced
       FROM pg_catalog.pg_publication_tables t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
       JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
      WHERE t.pubname = $1 GROUP BY 1 ORDER BY 1`,
    [publication],
  )
  const { user } = source.endpoint
  return rows.flatMap(({ owner, settable, forced }) => [
    ...(settable
      ? []
      : [
          `${user} may not act as ${typeable(owner)} on the source, who owns tables there, and the way back would stop at its first row: GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(user)} WITH SET TRUE.`,
        ]),
    ...(forced === null
      ? []
      : [
          `Row security of ${typeable(forced)} is forced upon ${typeable(owner)}, its owner on the source, and the way back would stop at it: NO FORCE ROW LEVEL SECURITY, or BYPASSRLS for its owner.`,
        ]),
  ])
}

async function following({ standby, subscription }: RightsInput): Promise<string[]> {
  const [found] = await standby.query<{ owner: string; own: boolean }>(
    `SELECT o.rolname::text AS owner, pg_catalog.pg_has_role(s.subowner, 'USAGE') AS own
       FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_roles o ON o.oid = s.subowner
      WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`,
    [subscription],
  )
  if (found?.own !== false) return []
  const { user } = standby.endpoint
  return [
    `Subscription ${subscription} of the standby belongs to ${found.owner}, and ${user} may not stop it: ALTER SUBSCRIPTION ${quoteIdentifier(subscription)} OWNER TO ${quoteIdentifier(user)}.`,
  ]
}

async function sequences(source: Session, standby: Session): Promise<string[]> {
  return sequencesLacking(await readSequences(source), await readSequences(standby), {
    source: source.endpoint.user,
    standby: standby.endpoint.user,
  })
}

/** Pure. */
export function sequencesLacking(
  here: SequencesRead,
  there: SequencesRead,
  users: { readonly source: string; readonly standby: string },
): string[] {
  const known = new Map(there.sequences.map((one) => [sequenceName(one), one]))
  const hidden = new Set(there.hidden)
  return [
    ...here.hidden.map(
      (name) => `${users.source} may not read where the sequence ${name} of the source stands: GRANT SELECT on it.`,
    ),
    ...here.sequences.flatMap((one) => {
      const name = sequenceName(one)
      const other = known.get(name)
      if (other?.settable === true) return []
      if (other !== undefined || hidden.has(name))
        return [`${users.standby} may not set the sequence ${name} of the standby: GRANT SELECT, UPDATE on it.`]
      return [`The sequence ${name} is not on the standby: create it there.`]
    }),
  ]
}

const sequenceName = ({ schema, name }: { readonly schema: string; readonly name: string }): string =>
  quoteQualified(schema, name)
