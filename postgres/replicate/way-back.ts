/** The way back: before anybody writes on the standby, what is written there already flows to the source that was closed. Its publication and slot on the
 *  standby and its subscription on the source (`copy_data = false, origin = none`) are made before the outage, like those of the way there, and left
 *  disabled; here they are looked at, and switched to while nobody writes on either side.
 *
 *  The source lets its workers in and nobody who connects (fence/workers-only.ts). That the way back carries is proven as the way there is, by a barrier:
 *  a marker that was committed on the standby and is seen on the source. docs/decisions/0028-guests-of-a-fence.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import type { StandbyNames } from '../../contracts/standby'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { openToWorkers, type WorkersOnlyInput } from '../fence/workers-only'
import { executeFenced, type FenceToken } from '../migrate/fence'
import { applyErrors, awaitBarrier, type Barrier, type Passed, takeBarrier } from './barrier'
import { barrierObstacles } from './marker'
import { otherWriters, strangers } from './other-writers'
import { findSubscription } from './subscription'

/** From here on a master may subscribe, and a subscriber can leave out what came from itself. */
const SINCE = 160_000

export interface WayBackSides {
  /** In the database of the source; under its fence a guest. */
  readonly source: Session
  /** In the standby's. */
  readonly standby: Session
  /** Of the way there: the slot is on the source. */
  readonly forward: StandbyNames
  /** Of the way back: the slot is on the standby. */
  readonly back: StandbyNames
}

/** Below these, of 16 and 17, the limit that keeps sessions out is asked of the way back's worker as well, and counts our own session: the worker is turned
 *  away for as long as that is inside. https://www.postgresql.org/docs/release/16.7/ */
const LIMIT_OF_SESSIONS_SINCE: Readonly<Record<number, number>> = { 16: 160_007, 17: 170_003 }

/** The oldest version of that major one to which there can be one. */
export function wayBackSince(versionNum: number): number {
  return LIMIT_OF_SESSIONS_SINCE[Math.floor(versionNum / 10_000)] ?? SINCE
}

/** Why there can be none to this source, one sentence; null: there can. */
export function noWayBackTo({
  serverVersionNum,
  endpoint: { host },
}: Pick<Session, 'serverVersionNum' | 'endpoint'>): string | null {
  const major = Math.floor(serverVersionNum / 10_000)
  const needed = wayBackSince(serverVersionNum)
  if (serverVersionNum >= needed) return null
  if (serverVersionNum >= SINCE)
    return `The source on ${host} is PostgreSQL ${major}.${serverVersionNum % 10_000}: before ${major}.${needed % 10_000} CONNECTION LIMIT keeps out the worker of the way back too, once a session is inside. Update it to ${major}.${needed % 10_000} or later.`
  return `The source on ${host} is PostgreSQL ${major}: before 16 only a superuser may subscribe there, and what came from it could not be told from what was written on the standby.`
}

/** It is decoded within the outage: seconds at most. */
const BEHIND_BYTES_MAX = 64 * 1024 ** 2

interface BackSlot extends Record<string, unknown> {
  readonly status: string | null
  readonly plugin: string | null
  readonly here: boolean
  readonly behind: number | null
}

async function slotOf(standby: Session, { slot }: WayBackSides['back']): Promise<BackSlot | undefined> {
  const [found] = await standby.query<BackSlot>(
    `SELECT wal_status AS status, plugin::text AS plugin, database = pg_catalog.current_database() AS here,
            pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), confirmed_flush_lsn)::bigint AS behind
       FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
    [slot],
  )
  return found
}

function withoutLog(found: BackSlot | undefined, { slot }: WayBackSides['back']): string[] {
  if (found?.plugin !== 'pgoutput' || !found.here)
    return [`The standby has no slot ${slot} of pgoutput in this database: make it.`]
  return found.status === 'lost' ? [`Slot ${slot} has lost log: make the way back anew.`] : []
}

/** Why its slot carries nothing any more, a sentence each. To be asked once more right before the fence: by then its server may have cut it off, and nobody would be served while the
 *  way back is waited for. Reads only. */
export async function wayBackLost(standby: Session, back: WayBackSides['back']): Promise<string[]> {
  return withoutLog(await slotOf(standby, back), back)
}

/** What is lacking for it, a sentence each; none: it can be switched to. To be asked before the fence is raised. `behindBytesMax`: of the standby's log
 *  that the way back has yet to read. Reads only. */
export async function wayBackObstacles(
  { source, standby, forward, back }: WayBackSides,
  { behindBytesMax = BEHIND_BYTES_MAX }: { readonly behindBytesMax?: number | undefined } = {},
): Promise<string[]> {
  const never = noWayBackTo(source)
  if (never !== null) return [never]
  const slot = await slotOf(standby, back)
  const [made] = await source.query<{ enabled: boolean; origin: string }>(
    `SELECT s.subenabled AS enabled, s.suborigin AS origin
       FROM pg_catalog.pg_subscription s
      WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())`,
    [back.subscription],
  )
  if (made === undefined) return [`There is no subscription ${back.subscription} on the source: make it, disabled.`]
  const others = await barrierObstacles({ source: standby, standby: source, ...back })
  const writers = await otherWriters(source, { ...forward, subscription: back.subscription })
  const behind = slot?.behind ?? 0
  return [
    ...withoutLog(slot, back),
    // nobody reads it, so it is what the standby has applied since it was made
    ...(behind > behindBytesMax
      ? [
          `Slot ${back.slot} has ${behind} bytes of log to read, which would be within the outage, and ${behindBytesMax} are allowed: drop it and make it anew, or pg_replication_slot_advance.`,
        ]
      : []),
    ...(made.origin === 'none'
      ? []
      : [`Subscription ${back.subscription} has origin = ${made.origin}: with it rows would go round.`]),
    ...writers,
    // disabled it has to be
    ...others.filter((one) => made.enabled || !one.endsWith(' is disabled: enable it.')),
    ...(made.enabled ? [`Subscription ${back.subscription} is enabled already: disable it until writing has moved.`] : []),
  ]
}

export interface OpenWayBackInput extends WayBackSides, WorkersOnlyInput {
  /** In the keyhole of the source, where `token` stands. */
  readonly keyhole: Session
  readonly operation: string
  /** The ones that stand in the databases themselves. */
  readonly sourceToken: FenceToken
  readonly standbyToken: FenceToken
  /** For how long it is waited, in all. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

export interface OpenedWayBack extends Passed {
  /** Roles that come into the source all the same, by sessions of replication. */
  readonly comePast: readonly string[]
}

/** To be called once the barrier of the way there is passed, and before anybody may write on the standby. Disables the way there, lets workers into the
 *  source, enables the way back, and resolves once a marker has come over it. The way there then leaves out whatever the source did not write itself, what
 *  it subscribes to elsewhere too, until `closeWayBack`. Safe to repeat. Throws BARRIER_NOT_PASSED where the marker has not come in time, or the source
 *  cannot apply; FENCE_REFUSED, where another subscription is enabled too; FENCED_OFF. */
export async function openWayBack(input: OpenWayBackInput): Promise<OpenedWayBack> {
  const { keyhole, source, standby, forward, back, operation, sourceToken, standbyToken, signal } = input
  const deadline = performance.now() + input.deadlineMs
  // whatever was asked before the fence: nobody comes in to change it from here on
  const found = await strangers(source, back.subscription)
  if (found.length > 0) throw failure('FENCE_REFUSED', found.join(' '), { subscriptions: found.length })
  // what comes over the way back, the marker first of all, would go over the way there again: now, and when it is enabled once more
  await switched(standby, standbyToken, forward.subscription, 'DISABLE', 'SET (origin = none)')
  await readBy(source, forward.slot, false, { deadline, signal })
  // it is committed while workers are let in: its slot keeps it for whoever reads that
  const taking = takeBarrier(standby, { operation, token: standbyToken, signal })
  const counting = applyErrors(source, back.subscription, signal)
  for (const one of [taking, counting]) one.catch(() => undefined)
  const comePast = await openToWorkers(keyhole, input)
  const errorsBefore = await counting
  await switched(source, sourceToken, back.subscription, 'ENABLE')
  // one that fails over the marker is there for a moment only
  const failed = async (over: AbortSignal) => (await applyErrors(source, back.subscription, over)) > errorsBefore
  await readBy(standby, back.slot, true, { deadline, signal, failed })
  const barrier = await taking
  const deadlineMs = Math.max(0, deadline - performance.now())
  const sides = { source: standby, standby: source, slot: back.slot, subscription: back.subscription }
  const passed = await awaitBarrier({ ...sides, barrier, errorsBefore, deadlineMs, signal })
  return { ...passed, comePast }
}

/** Where there is no way back: once its barrier is passed nothing comes by the way there any more. `source`: in any database of its server. Resolves once nobody reads its
 *  slot. Safe to repeat. Throws BARRIER_NOT_PASSED where somebody still does in the end, FENCED_OFF. */
export async function stopWayThere({
  source,
  standby,
  forward,
  standbyToken,
  deadlineMs,
  signal,
}: Pick<OpenWayBackInput, 'source' | 'standby' | 'forward' | 'standbyToken' | 'deadlineMs' | 'signal'>): Promise<void> {
  const deadline = performance.now() + deadlineMs
  await switched(standby, standbyToken, forward.subscription, 'DISABLE')
  await readBy(source, forward.slot, false, { deadline, signal })
}

/** `source`: in its database. The way back carries nothing any more, and from the commit of this on the source's guard turns nobody away. The standby is not asked, and no
 *  worker waited for. Safe to repeat, and where there is none. Throws FENCED_OFF. */
export async function stopWayBack(
  source: Session,
  { subscription, token }: { readonly subscription: string; readonly token: FenceToken },
): Promise<void> {
  if ((await findSubscription(source, subscription))?.enabled === true) await switched(source, token, subscription, 'DISABLE')
}

/** Takes it back, as long as nobody has written on the standby: the way back is disabled, the way there enabled, and once that has all, it carries again
 *  what the source gets from elsewhere. The fence is whoever's raised it.
 *
 *  `source`: the guest, while it is inside and workers are let in; once it is gone nobody comes in, so the fence is lowered first and this is given a new
 *  session. Safe to repeat, and where it was never opened. Throws NOT_READY_YET where it is not through in time, the way there being enabled by
 *  then; FENCED_OFF. */
export async function closeWayBack(
  input: WayBackSides &
    Pick<OpenWayBackInput, 'sourceToken' | 'standbyToken' | 'deadlineMs' | 'signal'> & {
      readonly operation?: string | undefined
      readonly once?: FollowAllInput['once']
    },
): Promise<void> {
  const { source, standby, forward, back, sourceToken, standbyToken, signal, operation, once } = input
  const deadline = performance.now() + input.deadlineMs
  await switched(source, sourceToken, back.subscription, 'DISABLE')
  // before any wait: nobody else reads its slot, which holds back log. Both leave out by now what is not the other's own, so nothing goes round
  await switched(standby, standbyToken, forward.subscription, 'ENABLE')
  try {
    await readBy(standby, back.slot, false, { deadline, signal })
    await followAll({
      ...{ source, standby, sourceToken, standbyToken, signal, operation, forward, once },
      deadlineMs: Math.max(0, deadline - performance.now()),
    })
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'BARRIER_NOT_PASSED') throw error
    throw failure('NOT_READY_YET', error.message, error.facts)
  }
}

export interface FollowAllInput extends Pick<WayBackSides, 'source' | 'standby' | 'forward'> {
  readonly sourceToken: FenceToken
  readonly standbyToken: FenceToken
  readonly operation?: string | undefined
  /** Keeps the row of the first attempt: a standby that is slower than its source never has the newest one, and the first is enough. */
  readonly once?: ((take: () => Promise<Barrier>) => Promise<Barrier>) | undefined
  /** For how long it is waited, in all. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

/** Lets through again what the source did not write itself, where `origin = none` left it out. Once nothing comes from the standby any more, and the standby
 *  has a row that is written now: what came from there is before it in the log, and would be sent back, to break on its keys. Safe to repeat. Throws
 *  BARRIER_NOT_PASSED, FENCED_OFF. */
export async function followAll(input: FollowAllInput): Promise<void> {
  const {
    source,
    standby,
    forward,
    sourceToken,
    standbyToken,
    signal,
    operation = 'followed again',
    once = (take) => take(),
  } = input
  const { slot, subscription } = forward
  const deadline = performance.now() + input.deadlineMs
  const [found] = await standby.query<{ origin: string }>(
    `SELECT s.suborigin AS origin FROM pg_catalog.pg_subscription s
      WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())`,
    [subscription],
  )
  if (found?.origin === 'any') return
  await readBy(source, slot, true, { deadline, signal })
  const barrier = await once(() => takeBarrier(source, { operation, token: sourceToken, signal }))
  const deadlineMs = Math.max(0, deadline - performance.now())
  await awaitBarrier({ source, standby, slot, subscription, barrier, deadlineMs, signal })
  await switched(standby, standbyToken, subscription, 'SET (origin = any)')
}

function switched(
  session: Session,
  token: FenceToken,
  subscription: string,
  ...to: readonly ('ENABLE' | 'DISABLE' | 'SET (origin = none)' | 'SET (origin = any)')[]
): Promise<void> {
  const statements = to.map((one) => `ALTER SUBSCRIPTION ${quoteIdentifier(subscription)} ${one}`)
  return executeFenced(session, token, statements)
}

const POLL_MS = 10

interface ReadBy {
  readonly deadline: number
  readonly signal: AbortSignal | undefined
  /** Ends the wait: whoever comes next says why. */
  readonly failed?: (over: AbortSignal) => Promise<boolean>
}

/** Waits until somebody reads the slot, or nobody does. */
async function readBy(
  publisher: Session,
  slot: string,
  read: boolean,
  { deadline, signal, failed = async () => false }: ReadBy,
): Promise<void> {
  // a server that stands still answers no question either
  const over = AbortSignal.timeout(Math.max(0, Math.ceil(deadline - performance.now())))
  const either = signal === undefined ? over : AbortSignal.any([signal, over])
  try {
    for (;;) {
      const [now, hasFailed] = await Promise.all([isRead(publisher, slot, either), failed(either)])
      if (now === read || hasFailed) return
      await sleep(POLL_MS, undefined, { signal: either })
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (!over.aborted) throw error
    throw failure(
      'BARRIER_NOT_PASSED',
      `Slot ${slot} on ${publisher.endpoint.host} is ${read ? 'read by nobody: the other side’s log says why its worker does not come' : 'still read'}.`,
      { slot },
    )
  }
}

async function isRead(publisher: Session, slot: string, signal: AbortSignal): Promise<boolean> {
  const [seen] = await publisher.query<{ active: boolean }>(
    'SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
    [slot],
    { signal },
  )
  return seen?.active ?? false
}
