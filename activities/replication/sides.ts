/** Both sides of a standby, and the passage by which either is changed. The migrator owns the tables and the row of who may act; the master replicates and
 *  subscribes. So an act raises the row as the migrator, keeps it still while the act lasts, and ends what an older attempt left running as either. */
import type { MigrationBundle } from '../../contracts/bundle'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { ReplicateRequest, StandbyRequest } from '../../contracts/replicate'
import type { DeclaredStandby, StandbyId } from '../../contracts/standby'
import type { StepRef } from '../../contracts/step-ref'
import type { Session } from '../../postgres/connect/session'
import { endOlderBackends, type FenceToken, fencedName, holdFence } from '../../postgres/migrate/fence'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { openSession, type SessionRequest, withSession } from '../schema/open-session'

export type SideName = 'source' | 'standby'
type Role = SessionRequest['role']

/** What is to be done with the standby. A bundle without it is of another operation. */
export function replicateOf({ replicate }: MigrationBundle): ReplicateRequest {
  if (replicate === undefined) throw new Error('the bundle does not say what is to be done with a standby')
  return replicate
}

export function standbyOf({ replicate, switchover, failover }: MigrationBundle): StandbyRequest {
  const request = replicate ?? switchover ?? failover
  if (request === undefined) throw new Error('the bundle says nothing of a standby')
  return request
}

/** One of those that the bundle of a migration names. */
export function followerOf({ standbys = [] }: MigrationBundle, name: string): StandbyRequest {
  const request = standbys.find(({ standby }) => standby.name === name)
  if (request === undefined) throw new Error(`the bundle says nothing of a standby ${name}`)
  return request
}

/** Either way round: what they are granted is no part of a schema. */
export const whoFollow = ({ publisher, wayBack }: DeclaredStandby): readonly string[] =>
  wayBack === undefined ? [publisher.user] : [publisher.user, wayBack.user]

export interface Both {
  readonly id: StandbyId
  readonly entries: Readonly<Record<SideName, DatabaseEntry>>
  readonly request: StandbyRequest
  /** Of an operation of `replicate`; null: it is another one. */
  readonly action: ReplicateRequest['action'] | null
  /** The one that is asked for; null: all. */
  readonly table: string | null
}

export async function bothOf({ ledger }: Pick<ActivityDeps, 'ledger'>, bundle: string): Promise<Both> {
  const held = await ledger.getBundle(bundle)
  const request = standbyOf(held)
  const entries = { source: held.database, standby: request.standby }
  const { action = null, table = null } = held.replicate ?? {}
  return { id: { source: held.database.name, target: request.standby.name }, entries, request, action, table }
}

export interface Place {
  readonly ref: StepRef
  readonly entry: DatabaseEntry
  readonly address: InstanceAddress
}

const on = ({ ref: { operation, step }, entry, address }: Place, role: Role): SessionRequest => {
  return { entry, role, operation, step, address, canary: false }
}

/** To look, as one of the entry's roles. */
export function looking<T>(deps: ActivityDeps, place: Place, role: Role, look: (session: Session) => Promise<T>): Promise<T> {
  return withSession(deps, on(place, role), look)
}

export function opener(deps: ActivityDeps, place: Place, role: Role, token?: FenceToken): () => Promise<Session> {
  const { operation } = place.ref
  const name = token === undefined ? {} : { applicationName: fencedName(token, `capstan ${operation}`) }
  return () => openSession(deps, { ...on(place, role), ...name })
}

export interface BehindFence {
  /** Owns the tables, and the control schema. */
  readonly migrator: Session
  /** Replicates, subscribes, ends other sessions. */
  readonly admin: Session
  readonly token: FenceToken
}

/** Raises the row to this attempt, ends the sessions of older ones, and keeps the row as it is while `act` lasts: a later attempt can raise it only once it
 *  has ended the session that keeps it, and with it whatever is under way. Fails with FENCED_OFF for an attempt that was overtaken. */
export async function behindFence<T>(
  deps: ActivityDeps,
  place: Place,
  epoch: number,
  act: (on: BehindFence) => Promise<T>,
): Promise<T> {
  const token = await raisedOn(deps, place, epoch)
  const opened: Session[] = []
  const open = async (role: Role): Promise<Session> => {
    const session = await opener(deps, place, role, token)()
    opened.push(session)
    return session
  }
  try {
    const keeper = await open('migrator')
    const release = await holdFence(keeper, token)
    try {
      const admin = await open('admin')
      await endOlderBackends(admin, token)
      const migrator = await open('migrator')
      assertMayAct()
      return await act({ migrator, admin, token })
    } finally {
      await release()
    }
  } finally {
    await Promise.all(opened.map((session) => session.close()))
  }
}

/** For what takes no pause: the row is raised, and every connection is called by the attempt, so that a later one ends it. */
export async function raisedOn(deps: ActivityDeps, place: Place, epoch: number): Promise<FenceToken> {
  return looking(deps, place, 'migrator', async (session) => {
    const { operation, step } = place.ref
    const { token } = await raiseOwnFence(session, operation, epoch, { name: `capstan ${operation} ${step}` })
    return token
  })
}
