/** Whether a raised fence holds: all is closed, nobody is inside, no transaction waits, an ordinary role is turned away; and how far the log
 *  goes. Refuses rather than guess: whatever it could not see is no proof. */
import { Failure, failure } from '../../contracts/failures'
import type { FenceScope } from '../../contracts/fence'
import type { Session } from '../connect/session'
import { commitFlushed, type FenceToken } from '../migrate/fence'
import { databasesOf } from './databases'
import { fateOf, preparedSentence } from './describe'
import { type Guest, isInvited, lostGuests } from './guests'
import { type Inside, lookInsideClosed, type PreparedTransaction, shownSessions, uninvited } from './inside'
import { CLOSED_STATE, type ConnectTo } from './keyhole'
import { closedBy, oidsOf } from './raise'

export interface ProveInput {
  readonly connectTo: ConnectTo
  /** Connects as an ordinary role that could write, to a database of the scope. */
  readonly connectAsWriter: () => Promise<Session>
  readonly scope: FenceScope
  readonly operation: string
  readonly token: FenceToken
  /** Who may be inside, and has to be. */
  readonly guests?: readonly Guest[] | undefined
}

export interface FenceProof {
  readonly version: 1
  /** Closed by the operation. */
  readonly closed: readonly string[]
  /** Of the scope, closed before it. */
  readonly closedBefore: readonly string[]
  /** Not ours to close, and without anything in them. */
  readonly empty: readonly string[]
  /** The cloud's own sessions, which stay. */
  readonly vendor: readonly Pick<Inside, 'role' | 'database' | 'backend'>[]
  /** Who is inside by invitation; nobody else is. */
  readonly guests: readonly Guest[]
  /** What the writer was told. */
  readonly writer: { readonly user: string; readonly sqlState: string }
  /** Everything that was acknowledged to a client of the closed databases is at or before it; to a guest, until then. */
  readonly lsn: string
}

/** How long whoever is on the way in may take to be turned away: milliseconds, unless its process stands still. */
const STARTING_MS = 5_000

/** `session`: in the keyhole. Throws FENCE_NOT_PROVEN with everything that speaks against it, FENCED_OFF. */
export async function proveClosed(session: Session, input: ProveInput): Promise<FenceProof> {
  const { connectTo, scope, operation, guests = [] } = input
  // by a way of its own
  const turning = turnedAway(input)
  turning.catch(() => undefined)
  const { databases, missing } = await databasesOf(session, scope)
  const ours = await closedBy(session, operation)
  const against = missing.map((name) => `there is no database ${name}`)
  const fates: { name: string; oid: number; fate: string }[] = []
  for (const one of databases) fates.push({ name: one.name, oid: one.oid, fate: await fateOf(connectTo, one) })
  for (const { name, fate } of fates) if (fate === 'close' || fate === 'held') against.push(`${name} takes connections`)
  const closed = fates.filter(({ fate }) => fate === 'closed')
  if (!closed.some(({ oid }) => ours.some((one) => one.oid === oid))) against.push(`${operation} has closed nothing`)
  // whoever is on the way in is waited for, and the writer would be one of them
  const writer = await turning
  const { starting, sessions } = await lookInsideClosed(session, oidsOf(closed), STARTING_MS)
  const inside = uninvited(sessions, guests)
  if (inside.length > 0) against.push(`there are sessions: ${shownSessions(inside)}`)
  against.push(...lostGuests(guests, sessions))
  if (starting > 0) against.push(`${starting} sessions are starting`)
  const names = closed.map(({ name }) => name)
  against.push(...(await afterLooking(session, names)))
  if (typeof writer === 'string') against.push(writer)
  if (against.length > 0 || typeof writer === 'string') throw notProven(against)
  return {
    version: 1,
    closed: names.filter((name) => ours.some((one) => one.name === name)),
    closedBefore: names.filter((name) => !ours.some((one) => one.name === name)),
    empty: fates.filter(({ fate }) => fate === 'empty').map(({ name }) => name),
    // what is neither invited nor ended is the cloud's own: whatever else there was has spoken against it
    vendor: sessions.filter((one) => !isInvited(guests, one)).map(({ role, database, backend }) => ({ role, database, backend })),
    guests,
    writer,
    lsn: await lastOfLog(session, input),
  }
}

/** Transactions that wait, and which of them was opened by now: nobody is inside only of what was closed before and after it was looked. In one way. */
async function afterLooking(session: Session, names: readonly string[]): Promise<string[]> {
  const rows = await session.query<PreparedTransaction & { open: boolean }>(
    `SELECT gid, owner::text AS owner, database::text AS database, false AS open FROM pg_catalog.pg_prepared_xacts WHERE database = ANY ($1::name[])
      UNION ALL SELECT '', '', datname::text, true FROM pg_catalog.pg_database WHERE datname = ANY ($1::name[]) AND datallowconn ORDER BY 3, 1`,
    [names],
  )
  return rows.map((one) => (one.open ? `${one.database} was opened meanwhile` : preparedSentence(one)))
}

/** What the writer was told, or what speaks against the fence. Only the words of a closed database are a proof: a wrong password or a network
 *  that is down keep a writer out, too, and say nothing. */
async function turnedAway({ connectAsWriter }: ProveInput): Promise<FenceProof['writer'] | string> {
  try {
    const session = await connectAsWriter()
    const { user, database } = session.endpoint
    try {
      return `${user} came into ${database} and ${(await couldWrite(session)) ? 'could write' : 'could not write'}`
    } finally {
      await session.close()
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { sqlState, user } = error.facts
    if (sqlState === CLOSED_STATE) return { user: String(user), sqlState }
    return `the writer was kept out by something else: ${error.message}`
  }
}

/** As who means to: a default of read-only transactions stops nobody who says READ WRITE. Nothing stays of it. */
async function couldWrite(session: Session): Promise<boolean> {
  try {
    await session.execute(`BEGIN READ WRITE; SELECT pg_catalog.pg_current_xact_id(); ROLLBACK`)
    return true
  } catch {
    return false
  }
}

/** A marker that is on disk when it is acknowledged, after the last session has ended: what was acknowledged before it without being on disk is
 *  so now (pg_current_wal_lsn() was seen behind such commits). */
async function lastOfLog(session: Session, { operation, token }: ProveInput): Promise<string> {
  return commitFlushed(session, token, 'UPDATE capstan.closed_database SET proven_at = now() WHERE operation = $1', [operation])
}

function notProven(against: readonly string[]): Failure {
  const message = `The fence does not hold: ${against.join('; ')}.`
  return failure('FENCE_NOT_PROVEN', message, { against: against.length })
}
