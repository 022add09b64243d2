/** What a fence would close, whom it would end, and what is in its way, with what to do about each. Changes nothing. */

import { Failure } from '../../contracts/failures'
import type { FenceScope } from '../../contracts/fence'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { readFence } from '../migrate/fence'
import { databasesOf, type FencedDatabase } from './databases'
import { type Inside, lookInside, type PreparedTransaction, preparedTransactions } from './inside'
import { type ConnectTo, enterAny, enterKeyhole, KEYHOLE } from './keyhole'

export interface DescribedDatabase extends FencedDatabase {
  /** `close`: it is closed. `closed`: it takes no connections already, and is left so. `empty`: it is not ours to close and holds nothing. `held`: it is
   *  not ours to close and holds something. */
  readonly fate: 'close' | 'closed' | 'empty' | 'held'
}

export interface FenceDescription {
  readonly version: 1
  /** The epoch that stands; 0 where none was ever raised. */
  readonly standingEpoch: number
  readonly databases: readonly DescribedDatabase[]
  readonly sessions: readonly Inside[]
  readonly prepared: readonly PreparedTransaction[]
  /** Enabled ones. The fence keeps their workers out; their publishers keep the log until it is lowered. */
  readonly subscriptions: readonly Subscription[]
  /** Whose readers get nothing more while it is raised. */
  readonly slots: readonly { readonly name: string; readonly database: string; readonly active: boolean }[]
  /** Roles that may log in and whose sessions we may not end. */
  readonly unendable: readonly string[]
  /** Sentences; none: it can be raised. */
  readonly obstacles: readonly string[]
}

interface Subscription {
  readonly name: string
  readonly database: string
  readonly owner: string
  readonly endable: boolean
}

export interface DescribeInput {
  readonly connectTo: ConnectTo
  readonly scope: FenceScope
  /** Databases to look from, the likeliest first. */
  readonly from: readonly string[]
}

export async function describeFence({ connectTo, scope, from }: DescribeInput): Promise<FenceDescription> {
  const keyhole = await enterKeyhole(connectTo)
  const session = keyhole ?? (await enterAny(connectTo, from))
  try {
    const standingEpoch = keyhole === null ? 0 : (await readFence(keyhole)).epoch
    const found = await databasesOf(session, scope)
    const databases = await withFates(connectTo, found.databases)
    const closing = databases.filter(({ fate }) => fate === 'close')
    const oids = closing.map(({ oid }) => oid)
    const names = closing.map(({ name }) => name)
    const [role] = await session.query<{ createdb: boolean; own: boolean | null }>(ABOUT_US, [KEYHOLE])
    const facts = {
      version: 1 as const,
      standingEpoch,
      databases,
      sessions: (await lookInside(session, oids)).sessions,
      prepared: await preparedTransactions(session, names),
      subscriptions: await session.query<Subscription>(SUBSCRIPTIONS, [oids]),
      slots: await session.query<FenceDescription['slots'][number]>(SLOTS, [names]),
      unendable: (await session.query<{ role: string }>(UNENDABLE, [oids])).map((row) => row.role),
    }
    return { ...facts, obstacles: [...obstaclesIn(facts, found.missing, session.endpoint.user), ...ofOurOwn(role, session)] }
  } finally {
    await session.close()
  }
}

const ABOUT_US = `SELECT r.rolcreatedb AS createdb,
         (SELECT d.datdba = r.oid FROM pg_catalog.pg_database d WHERE d.datname = $1) AS own
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`

/** A worker of a superuser's subscription can neither be ended nor be kept from what it has begun. */
const SUBSCRIPTIONS = `
  SELECT s.subname::text AS name, d.datname::text AS database, o.rolname::text AS owner,
         pg_catalog.pg_has_role(o.oid, 'USAGE') OR (NOT o.rolsuper AND pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')) AS endable
    FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid JOIN pg_catalog.pg_roles o ON o.oid = s.subowner
   WHERE s.subenabled AND d.oid = ANY ($1::oid[]) ORDER BY 1`

const SLOTS = `SELECT slot_name::text AS name, database::text AS database, active FROM pg_catalog.pg_replication_slots
   WHERE slot_type = 'logical' AND database = ANY ($1::name[]) ORDER BY 1`

const UNENDABLE = `
  SELECT r.rolname::text AS role FROM pg_catalog.pg_roles r
   WHERE r.rolcanlogin AND NOT r.rolsuper
     AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE') AND NOT pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')
     AND EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.oid = ANY ($1::oid[]) AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT'))
   ORDER BY 1`

async function withFates(connectTo: ConnectTo, databases: readonly FencedDatabase[]): Promise<DescribedDatabase[]> {
  const described: DescribedDatabase[] = []
  for (const one of databases) described.push({ ...one, fate: await fateOf(connectTo, one) })
  return described
}

/** Of a database as it stands. One that we may not close is looked into. */
export async function fateOf(connectTo: ConnectTo, { name, open, way }: FencedDatabase): Promise<DescribedDatabase['fate']> {
  if (!open) return 'closed'
  if (way !== null) return 'close'
  return (await isEmpty(connectTo, name)) ? 'empty' : 'held'
}

/** It keeps nothing, as far as we are let in to see. */
export async function isEmpty(connectTo: ConnectTo, database: string): Promise<boolean> {
  try {
    const session = await connectTo(database)
    try {
      const [row] = await session.query<{ empty: boolean }>(EMPTY)
      return row?.empty === true
    } finally {
      await session.close()
    }
  } catch (error) {
    // it does not let us in: nobody can say what it holds
    if (error instanceof Failure && error.code === 'CREDENTIALS_REJECTED') return false
    throw error
  }
}

/** No relation that keeps anything, but those of extensions. */
const EMPTY = `
  SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
                   WHERE x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objid = c.oid AND x.deptype = 'e')) AS empty`

/** Sentences about what keeps a fence from being raised. Their SQL is to be pasted: names in it are quoted, and only there. */
function obstaclesIn(
  { databases, prepared, subscriptions, unendable, sessions }: Omit<FenceDescription, 'obstacles'>,
  missing: readonly string[],
  master: string,
): string[] {
  const us = quoteIdentifier(master)
  const now = sessions.filter(({ endable, vendor, backend }) => !endable && !vendor && backend === 'client backend')
  return [
    ...missing.map((name) => `There is no database ${name} in the instance: correct the name.`),
    ...databases
      .filter(({ fate }) => fate === 'held')
      .map(
        ({ name, owner }) =>
          `Database ${name} belongs to ${owner} and ${master} may not close it: GRANT ${quoteIdentifier(owner)} TO ${us}.`,
      ),
    ...prepared.map(preparedSentence),
    ...subscriptions
      .filter(({ endable }) => !endable)
      .map(
        ({ name, database, owner }) =>
          `Subscription ${name} of ${database} writes by a worker of ${owner}, which ${master} may not end: ALTER SUBSCRIPTION ${quoteIdentifier(name)} DISABLE.`,
      ),
    ...[...new Set([...unendable, ...now.flatMap(({ role }) => role ?? [])])].map(
      (role) =>
        `${master} may not end sessions of ${role}: GRANT pg_signal_backend TO ${us}, or GRANT ${quoteIdentifier(role)} TO ${us}.`,
    ),
  ]
}

export function preparedSentence({ gid, owner, database }: PreparedTransaction): string {
  return `Prepared transaction ${gid} of ${owner} in ${database} could be committed later: COMMIT PREPARED or ROLLBACK PREPARED it there.`
}

function ofOurOwn(role: { createdb: boolean; own: boolean | null } | undefined, { endpoint: { user } }: Session): string[] {
  if (role?.own === false)
    return [`The database ${KEYHOLE} does not belong to ${user}: ALTER DATABASE ${KEYHOLE} OWNER TO ${quoteIdentifier(user)}.`]
  if (role?.own === true || role?.createdb === true) return []
  return [
    `${user} may not create the database ${KEYHOLE}, from which the others are closed: ALTER ROLE ${quoteIdentifier(user)} CREATEDB.`,
  ]
}
