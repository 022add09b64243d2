/** Whether all still stands on which writing moves: the source is for the workers of the way back only, or closed where there is none, the way there is disabled, the way back carries, and
 *  applications are kept out of the standby. Asked right before the point of no return, when minutes may have passed since each was made. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { StandbyNames } from '../../contracts/standby'
import type { Session } from '../connect/session'
import { CLOSED_STATE } from '../fence/keyhole'
import { notPassed } from '../fence/passed'
import { comesIn, FULL_STATE, notForWorkersOnly, othersInside } from '../fence/workers-only'
import { standingFence } from '../migrate/fence'
import { notKeptOut } from './keep-out'
import { findSubscription } from './subscription'

export interface StandingSide {
  /** In its keyhole. */
  readonly keyhole: Session
  readonly database: string
  /** Under which the operation acts in its keyhole. */
  readonly epoch: number
}

export interface StandsInput {
  readonly operation: string
  readonly source: StandingSide & { readonly connectAsWriter: () => Promise<Session> }
  readonly standby: StandingSide & {
    /** In the standby's database. */
    readonly inside: Session
    /** Roles that may connect to it. */
    readonly keep: readonly string[]
  }
  readonly forward: StandbyNames
  /** Null: there is none, and the source stays closed. */
  readonly back: StandbyNames | null
}

/** What speaks against moving, a sentence each; none: all stands. Reads only. Throws CONNECTION_LOST. */
export async function againstMoving({ operation, source, standby, forward, back }: StandsInput): Promise<string[]> {
  const { database } = source
  const [held, closed, inside, writer, carries, apart] = await Promise.all([
    Promise.all([
      notActing(source.keyhole, { operation, epoch: source.epoch, where: `the source's keyhole` }),
      notActing(standby.keyhole, { operation, epoch: standby.epoch, where: `the standby's keyhole` }),
      notActing(standby.inside, { operation, epoch: standby.epoch, where: 'the standby' }),
    ]),
    back === null
      ? notPassed(source.keyhole, { raisedBy: operation, database })
      : notForWorkersOnly(source.keyhole, { raisedBy: operation, database }),
    othersInside(source.keyhole, database),
    comesIn({ connectAsWriter: source.connectAsWriter, database }, back === null ? CLOSED_STATE : FULL_STATE),
    back === null
      ? stillFollowing(standby.inside, forward)
      : notCarried({ source: source.keyhole, standby: standby.inside, database }, { forward, back }),
    notKeptOut(standby.keyhole, { database: standby.database, keep: standby.keep }),
  ])
  return [...held.flat(), ...closed, ...(inside === null ? [] : [inside]), ...writer, ...carries, ...apart]
}

/** Another operation, or a person, has raised the row of who may act since. */
async function notActing(
  session: Session,
  { operation, epoch, where }: { readonly operation: string; readonly epoch: number; readonly where: string },
): Promise<string[]> {
  const standing = await standingFence(session)
  if (standing.operation === operation && standing.epoch === epoch) return []
  return [`${where} is in the hands of ${standing.operation ?? 'nobody'} (epoch ${standing.epoch}, and ours is ${epoch})`]
}

/** A worker that is between two attempts comes again. */
const COMING_MS = 2_000
const PAUSE_MS = 20

interface Between {
  /** In any database of the source's server. */
  readonly source: Session
  readonly standby: Session
  /** Of the source. */
  readonly database: string
}

interface Ways {
  readonly forward: StandbyNames
  readonly back: StandbyNames
}

async function notCarried(between: Between, names: Ways): Promise<string[]> {
  for (const until = performance.now() + COMING_MS; ; await sleep(PAUSE_MS)) {
    const against = await subscriptionsAgainst(between, names)
    if (against.length === 0 || performance.now() > until) return against
  }
}

/** Without a way back. */
async function stillFollowing(standby: Session, { subscription }: StandbyNames): Promise<string[]> {
  const found = await findSubscription(standby, subscription)
  if (found === null) return [`there is no subscription ${subscription} on the standby`]
  return found.enabled ? [`the way there (${subscription}) is enabled`] : []
}

async function subscriptionsAgainst({ source, standby, database }: Between, { forward, back }: Ways): Promise<string[]> {
  // one catalog for the whole server
  const [way] = await source.query<{ enabled: boolean; origin: string; applies: boolean }>(
    `SELECT s.subenabled AS enabled, s.suborigin AS origin,
            EXISTS (SELECT FROM pg_catalog.pg_stat_subscription t WHERE t.subid = s.oid AND t.relid IS NULL AND t.pid IS NOT NULL) AS applies
       FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE s.subname = $1 AND d.datname = $2`,
    [back.subscription, database],
  )
  const [there] = await standby.query<{ enabled: boolean | null; read: boolean | null; status: string | null }>(
    `SELECT (SELECT s.subenabled FROM pg_catalog.pg_subscription s
              WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) AS enabled,
            (SELECT r.active FROM pg_catalog.pg_replication_slots r WHERE r.slot_name = $2) AS read,
            (SELECT r.wal_status FROM pg_catalog.pg_replication_slots r WHERE r.slot_name = $2) AS status`,
    [forward.subscription, back.slot],
  )
  return [
    ...(way === undefined ? [`there is no subscription ${back.subscription} on the source`] : []),
    ...(way?.enabled === false ? [`the way back (${back.subscription}) is disabled`] : []),
    ...(way !== undefined && way.origin !== 'none' ? [`the way back (${back.subscription}) has origin = ${way.origin}`] : []),
    ...(way?.enabled === true && !way.applies ? [`no worker of the way back (${back.subscription}) runs on the source`] : []),
    ...(there?.enabled === true ? [`the way there (${forward.subscription}) is enabled`] : []),
    ...(there?.enabled == null ? [`there is no subscription ${forward.subscription} on the standby`] : []),
    ...(there?.read === true ? [] : [`nobody reads slot ${back.slot} of the standby`]),
    ...(there?.status === 'lost' ? [`slot ${back.slot} of the standby has lost log`] : []),
  ]
}
