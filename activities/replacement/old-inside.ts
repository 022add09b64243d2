/** Whether the instance that was replaced is still closed, as the replacement closed it: read through the keyhole. Changes nothing. */
import { Failure } from '../../contracts/failures'
import { REPLACE_DOCUMENTS, type WrittenSince } from '../../contracts/replace'
import type { Session } from '../../postgres/connect/session'
import { databasesOf } from '../../postgres/fence/databases'
import { fateOf } from '../../postgres/fence/describe'
import { lookInside, shownSessions } from '../../postgres/fence/inside'
import { type ConnectTo, enterKeyhole, KEYHOLE } from '../../postgres/fence/keyhole'
import { closedBy, oidsOf } from '../../postgres/fence/raise'
import type { ActivityDeps } from '../deps'
import { masterOf } from '../replication/keyhole'
import type { ReplacementDataActivities } from './contract'

export async function lookIntoOld(
  deps: ActivityDeps,
  { operation, step, bundle, old }: Parameters<ReplacementDataActivities['lookIntoOld']>[0],
): Promise<{ against: readonly string[] }> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const connectTo = masterOf(deps, { ref: { operation, step, bundle }, entry, address: old })
  const looked = await throughKeyhole(connectTo, async (session) => {
    const fenced = (await deps.ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.written })) as WrittenSince | null
    return speaksAgainst(session, { connectTo, operation, rows: fenced?.databaseRows ?? {} })
  })
  if ('why' in looked) return { against: [`It could not be asked whether it is still closed: ${looked.why}`] }
  return { against: looked.seen ?? [`It has no database ${KEYHOLE} any more: nothing says that it is closed.`] }
}

/** Through the keyhole of an old instance; `seen` null: it has none. What cannot be asked is no proof of anything: `why`. */
export async function throughKeyhole<T>(
  connectTo: ConnectTo,
  look: (session: Session) => Promise<T>,
): Promise<{ readonly seen: T | null } | { readonly why: string }> {
  try {
    const session = await enterKeyhole(connectTo)
    if (session === null) return { seen: null }
    try {
      return { seen: await look(session) }
    } finally {
      await session.close()
    }
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'aborted') throw error
    return { why: error.message }
  }
}

interface Fenced {
  readonly connectTo: ConnectTo
  readonly operation: string
  readonly rows: WrittenSince['databaseRows']
}

async function speaksAgainst(session: Session, { connectTo, operation, rows }: Fenced): Promise<string[]> {
  const { databases } = await databasesOf(session, 'instance')
  // before we come into one of them: a session of ours that is ending is still there for a moment
  const { sessions } = await lookInside(session, oidsOf(databases))
  const open = []
  for (const one of databases) if (['close', 'held'].includes(await fateOf(connectTo, one))) open.push(one.name)
  const ours = await closedBy(session, operation)
  const now = await databaseRows(session)
  const altered = ours.filter(({ name }) => rows[name] !== now[name]).map(({ name }) => name)
  const inside = sessions.filter(({ vendor }) => !vendor)
  return [
    ...open.map((name) => `Database ${name} takes connections again.`),
    ...(ours.length === 0 ? [`Nothing in it is closed by ${operation} any more.`] : []),
    ...altered.map(
      (name) => `Database ${name} was altered since it was closed: it may have been open meanwhile, and been written to.`,
    ),
    ...(inside.length === 0 ? [] : [`There are sessions in it: ${shownSessions(inside)}.`]),
  ]
}

/** Which version of its row in the catalog each database has: whoever opens one that is closed, if only for a while, leaves another. */
export async function databaseRows(session: Session): Promise<Record<string, string>> {
  const rows = await session.query<{ name: string; version: string }>(
    `SELECT datname::text AS name, oid || ' ' || xmin AS version FROM pg_catalog.pg_database`,
  )
  return Object.fromEntries(rows.map(({ name, version }) => [name, version]))
}
