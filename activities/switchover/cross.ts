/** The crossing: from the fence to a way back that carries, while nobody can write on either side. One attempt from end to end, since the guests of the fence
 *  are its own session and the walsender, and a session lives no longer than its attempt. */
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { Session } from '../../postgres/connect/session'
import { type Guest, ownGuest, walsenderGuest } from '../../postgres/fence/guests'
import { openDatabases } from '../../postgres/fence/lower'
import { recordPassed } from '../../postgres/fence/passed'
import { proveClosed } from '../../postgres/fence/prove'
import { closeDatabases } from '../../postgres/fence/raise'
import { proveWorkersOnly } from '../../postgres/fence/workers-only'
import type { FenceToken } from '../../postgres/migrate/fence'
import { applyErrors, awaitBarrier, type Barrier, takeBarrier } from '../../postgres/replicate/barrier'
import { raiseGuardAgain } from '../../postgres/replicate/guard'
import { disableSubscription, enableSubscription, findSubscription } from '../../postgres/replicate/subscription'
import { schemaStamp } from '../../postgres/replicate/unchanged'
import {
  carrySequences,
  planSequences,
  readSequences,
  refuseUncarried,
  type SequenceShapes,
  type SequencesRead,
} from '../../postgres/replicate/watch/sequences'
import { closeWayBack, type OpenedWayBack, openWayBack, stopWayBack, stopWayThere } from '../../postgres/replicate/way-back'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { rememberOnce } from '../remember'
import { type InKeyhole, inKeyholeOf } from '../replication/keyhole'
import { madeBy } from '../replication/made'
import { dismissReady } from '../replication/ready'
import { behindFence, raisedOn, type SideName } from '../replication/sides'
import { openSession } from '../schema/open-session'
import { createTrafficActivities } from '../traffic/traffic'
import type { Switching, SwitchoverActivities } from './contract'
import { letGo, takeInHand } from './directions'
import { followNoMore, followNoMoreAnew, guardAside, guardBefore, guardMeanwhile, reopened, toldUnguarded } from './guarded'
import { endless, HOLD_WITHIN_MS, type Patience, patienceOf } from './hold'
import { type HotTables, hotTables } from './hot'
import { inTime, limitStatements } from './in-time'
import { heldSince, madeSince, notCarriedSince, sinceThePlan } from './look'
import { assertNotMoved, assertNotMovedThere, assertNotTakenBack, recordTakenBack } from './moved'
import { nearEnough } from './near'
import { insideBoth, type Pair, pairOf } from './pair'
import { standReady } from './ready'
import { changedSince, knownOf, type Stamps, stampsOf } from './stamps'
import { type Stopwatch, stopwatch } from './stopwatch'
import { confirmedAsBefore } from './synced'
import { onBoth } from './way-back'

type Input = Parameters<SwitchoverActivities['fenceAndDrain']>[0]
type Crossed = Awaited<ReturnType<SwitchoverActivities['fenceAndDrain']>>

/** Whoever is to be ended may first roll back what he did. */
const EMPTYING_MS = 30_000
/** For the other side's worker to come. */
const WAY_BACK_MS = 30_000
/** For what was closed to be opened again by who has closed it: a server that stands still keeps no attempt from ending. */
const OPENING_MS = 10_000

/** What each stage behind the fence may take. Emptying a database that many are inside of takes longest. */
const STAGE_MS = { fence: 60_000, marker: 15_000, sequences: 30_000, again: 30_000, proof: 20_000 } as const

export async function fenceAndDrain(deps: ActivityDeps, input: Input): Promise<Crossed> {
  const pair = await pairOf(deps, input)
  await assertNotTakenBack(deps, input.operation)
  await takenBack(deps, input, pair, false)
  // whom an attempt of before left waiting goes on until this one is ready
  if (input.holds) await createTrafficActivities(deps).resumeEndpoint(input)
  const known = await knownOf(deps, input)
  const lacking = await notCarriedSince(deps, pair)
  if (lacking.length > 0) throw changedSince('Nobody was shut out', lacking)
  const tokens = {
    source: await raisedOn(deps, pair.places.source, input.epochs.source),
    standby: await raisedOn(deps, pair.places.standby, input.epochs.standby),
  }
  const crossed = inKeyholeOf(deps, pair.places.source, input.fenceEpoch, (hole) =>
    insideBoth(deps, pair, tokens, async (on) => {
      await nearEnough(deps, { operation: input.operation, pair, keyhole: hole.session, on, tokens })
      // before it is looked, so that what is made meanwhile is seen behind the fence
      const stamps = await stampsOf(on)
      const since = await sinceThePlan(on, pair, known)
      if (since.length > 0) throw changedSince('Nobody was shut out', since)
      const crossing = { deps, input, pair, hole, on, tokens, stamps, unlogged: known.unlogged }
      await takeInHand(deps, input.operation, pair)
      await limitStatements([hole.session, on.source, on.standby])
      try {
        return await cross(crossing)
      } catch (error) {
        const mayFollow = !pair.oneWay && (await followNoMore(on.source, pair, tokens.source))
        await openAtOnce(crossing, mayFollow)
        throw error
      }
    }),
  )
  crossed.catch(() => dismissReady(input.operation))
  return crossed
}

/** Writers wait: what this very attempt has closed is opened by the session that has closed it, with the ledger away or not. The row of who may act stands
 *  between this and whoever came later, so that an attempt that was told to end does it as well; the rest is `takeBackFence`'s. */
async function openAtOnce({ hole, input: { operation }, pair, tokens }: Before, mayFollow: boolean): Promise<void> {
  const { session, token } = hole
  const limit = setTimeout(() => void session.close(), OPENING_MS)
  try {
    if (mayFollow) await reopened(hole, { operation, pair, stop: () => followNoMoreAnew(hole, pair, tokens.source) })
    else await openDatabases(session, { raisedBy: operation, token })
  } catch {
    // the undo opens it, and what has failed before is what counts
  } finally {
    clearTimeout(limit)
  }
}

interface Before {
  readonly deps: ActivityDeps
  readonly input: Input
  readonly pair: Pair
  readonly hole: InKeyhole
  /** As the master, in both databases. */
  readonly on: Readonly<Record<SideName, Session>>
  readonly tokens: Readonly<Record<SideName, FenceToken>>
}

interface Crossing extends Before {
  /** Of the schemas that were compared before the fence. */
  readonly stamps: Stamps
  /** Tables whose rows are not carried, as the plan says. */
  readonly unlogged: readonly string[]
}

async function cross(crossing: Crossing): Promise<Crossed> {
  const { deps, input, pair, hole, tokens } = crossing
  const { operation } = input
  const { compareMsMax } = pair.request
  const { tables } = await madeBy(deps, operation)
  const asked = { pair, tokens, tables, withinMs: compareMsMax, keyhole: hole.session }
  const hot = compareMsMax === 0 ? null : await hotTables(deps, asked)
  try {
    // last of all that is opened: a server that is nearly full keeps what the crossing itself needs
    await standReady(deps, pair, tokens.standby)
    return await crossWith(crossing, hot)
  } catch (error) {
    await hot?.close().catch(() => undefined)
    throw error
  }
}

async function crossWith(crossing: Crossing, hot: HotTables | null): Promise<Crossed> {
  const { deps, input, pair, hole, on, tokens } = crossing
  const { operation } = input
  const { signal } = currentAct()
  const { slot, subscription } = pair.forward
  const sessions = [on.source, on.standby]
  const spared = [hole.session]
  const [shapes] = await Promise.all([planSequences(on.standby, signal), planSequences(on.source, signal)])
  const errorsBefore = await applyErrors(on.standby, subscription)
  const { proof, took, left } = await inTime({ stage: 'the fence', limitMs: STAGE_MS.fence, sessions, spared }, () =>
    fence(crossing, hot?.guests ?? []),
  )
  assertMayAct()
  const before = await guardBefore(crossing)
  assertMayAct()
  const barrier = await inTime({ stage: 'the marker', limitMs: STAGE_MS.marker, sessions }, () =>
    takeBarrier(on.source, { operation, token: tokens.source, signal }),
  )
  const awaited = { source: hole.session, standby: on.standby, slot, subscription, barrier, errorsBefore }
  const after = { stage: 'looking what was made since', limitMs: STAGE_MS.again, sessions }
  // what does not hang on the drain is asked meanwhile: behind the fence nobody makes anything on the source, nor draws from a sequence there
  const { passed, guarded, asked } = await guardMeanwhile(crossing, before, {
    waiting: (either) => awaitBarrier({ ...awaited, deadlineMs: Math.min(pair.request.drainMsMax, left()), signal: either }),
    asking: (either) =>
      inTime(after, () => Promise.all([heldSince(on.source, crossing.unlogged, either), readSequences(on.source, either)])),
  })
  const [held, sequences] = asked
  // the drain itself changes the standby
  const stamp = await inTime(after, () => schemaStamp(on.standby, signal))
  await inTime(after, () => refuseMadeSince(crossing, { source: guarded.stamp, standby: stamp }, held))
  assertMayAct()
  took.drain()
  await guardAside(crossing)
  const { carried, compared, way } = await carryOver(crossing, {
    hot,
    took,
    left,
    sequences,
    shapes: stamp === crossing.stamps.standby ? shapes : undefined,
  })
  await inTime({ stage: 'the proof', limitMs: STAGE_MS.proof, sessions, spared }, () =>
    way === null ? closedForGood(crossing) : forWorkersOnly(crossing),
  )
  took.wayBack()
  const { closingAt, closedMs, ...tookMs } = took.told()
  const document = {
    version: 1,
    proof,
    barrier,
    passed,
    sequences: carried,
    hot: compared ?? null,
    wayBack: way,
    closingAt,
    closedMs,
    tookMs,
  }
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: SWITCHOVER_DOCUMENTS.crossing, document })
  const summary = `nobody inside, ${proof.writer.user} turned away; the standby has all up to ${barrier.lsn} after ${passed.waitedMs} ms; ${carried.set} of ${carried.sequences} sequences set; ${compared === undefined ? '' : `${compared.equal.length} tables compared and equal; `}${way === null ? 'there is no way back' : `the way back carries${toldPast(way.comePast)}`}${toldUnguarded(guarded.lacking)}`
  return { summary, lsn: barrier.lsn, closedMs }
}

/** Workers of the way back come into the source, and nobody else. */
async function forWorkersOnly(crossing: Crossing): Promise<void> {
  const { input, pair, hole, on } = crossing
  await proveWorkersOnly(hole.session, {
    ...{ raisedBy: input.operation, database: databaseOf(pair), token: hole.token },
    ...{ connectAsWriter: writerOf(crossing), guests: [await ownGuest(on.source)] },
  })
}

/** Where there is no way back the source is proven closed once again; that it was is written beside it. */
async function closedForGood(crossing: Crossing): Promise<void> {
  const { input, pair, hole, on } = crossing
  const { operation } = input
  await proveClosed(hole.session, {
    ...{ connectTo: hole.connectTo, scope: { databases: [databaseOf(pair)] }, operation, token: hole.token },
    ...{ connectAsWriter: writerOf(crossing), guests: [await ownGuest(on.source)] },
  })
  await recordPassed(hole.session, { raisedBy: operation, database: databaseOf(pair), token: hole.token })
}

interface CarryingOver {
  readonly hot: HotTables | null
  readonly took: Stopwatch
  readonly left: Patience
  /** Of the source. */
  readonly sequences: SequencesRead
  /** Of the standby's, where its schema is as it was when they were read. */
  readonly shapes: SequenceShapes | undefined
}

/** What is left to carry once the standby has all rows, and the way back. Where there can be none, which is null, the standby follows no more. */
async function carryOver(
  { input: { operation }, pair, hole, on, tokens }: Crossing,
  { hot, took, left, sequences, shapes }: CarryingOver,
) {
  const { signal } = currentAct()
  const sessions = [on.source, on.standby]
  const carried = await inTime({ stage: 'carrying the sequences', limitMs: STAGE_MS.sequences, sessions }, () =>
    carrySequences({ source: sequences, standby: on.standby, margin: 0, shapes }),
  )
  refuseUncarried(carried.findings)
  took.sequences()
  const compared = await hot?.compare()
  await hot?.close()
  took.compare()
  assertMayAct()
  const backWithin = Math.min(WAY_BACK_MS, left())
  const limitMs = backWithin + STAGE_MS.marker
  const all = { limitMs, sessions, spared: [hole.session] }
  const { source, standby } = on
  const sides = { source, standby, forward: pair.forward, standbyToken: tokens.standby, deadlineMs: backWithin, signal }
  if (pair.oneWay) {
    await inTime({ stage: 'the end of the way there', ...all }, () => stopWayThere(sides))
    return { carried, compared, way: null }
  }
  const way: OpenedWayBack = await inTime({ stage: 'the way back', ...all }, () =>
    openWayBack({
      ...{ ...sides, back: pair.back, sourceToken: tokens.source },
      ...{ keyhole: hole.session, raisedBy: operation, operation, database: databaseOf(pair), token: hole.token },
    }),
  )
  return { carried, compared, way }
}

/** Behind the fence nobody makes anything. What was made between the look before it and its raising is refused, since its rows would stay behind. `behind`, `held`:
 *  the stamps, and what no stamp shows, behind the fence. */
async function refuseMadeSince({ on, pair, stamps, unlogged }: Crossing, behind: Stamps, held: readonly string[]): Promise<void> {
  const same = behind.source === stamps.source && behind.standby === stamps.standby
  const since = same ? held : await madeSince(on, pair, unlogged)
  if (since.length > 0) throw changedSince('What was made after the look before the fence is not carried', since)
}

/** Clients are held once nothing speaks against the closing any more, and right before it. */
async function fence(crossing: Crossing, readers: readonly Guest[]) {
  const { deps, input, pair, hole, on } = crossing
  const { operation, sides } = input
  const { instance, instanceId } = sides.source
  const guests = [await ownGuest(on.source), await walsenderGuest(hole.session, pair.forward.slot), ...readers]
  const scope = { databases: [databaseOf(pair)] }
  let took = stopwatch()
  let left: Patience = endless
  const raising = { connectTo: hole.connectTo, scope, operation, token: hole.token, guests }
  await closeDatabases(hole.session, {
    ...raising,
    waitMs: EMPTYING_MS,
    signal: currentAct().signal,
    async beforeChange(closing) {
      assertMayAct()
      await deps.ledger.putDocument({
        operation,
        name: `fence-${instance}`,
        document: { version: 1, instance, instanceId, closing },
      })
      if (input.holds) left = await held(crossing)
      took = stopwatch()
      assertMayAct()
    },
  })
  took.close()
  const proof = await proveClosed(hole.session, { ...raising, connectAsWriter: writerOf(crossing) })
  took.prove()
  return { proof, took, left }
}

/** They wait until somebody lets them go on, or their pooler loses patience: what comes has to be through before. */
async function held({ deps, input }: Crossing): Promise<Patience> {
  const traffic = createTrafficActivities(deps)
  const patience = patienceOf(await traffic.pauseFacts(input))
  await traffic.pauseEndpoint({ ...input, withinMs: HOLD_WITHIN_MS })
  return patience
}

const databaseOf = ({ places }: Pair): string => places.source.entry.database

/** As an ordinary role that could write. */
function writerOf({ deps, input: { operation, step }, pair }: Crossing): () => Promise<Session> {
  const { entry, address } = pair.places.source
  return () => openSession(deps, { entry, role: 'migrator', operation, step, address, canary: false, ownAddress: true })
}

/** The limit counts no session of replication, and in one statements can be run. */
function toldPast(roles: readonly string[]): string {
  return roles.length === 0
    ? ''
    : `; until the old writer follows, ${roles.join(', ')} could come into it by sessions of replication`
}

export async function takeBackFence(deps: ActivityDeps, input: Switching): Promise<{ summary: string }> {
  const opened = await takenBack(deps, input, await pairOf(deps, input), true)
  return {
    summary:
      opened.length === 0 ? 'nothing was closed; the standby follows' : `${opened.join(', ')} open again; the standby follows`,
  }
}

/** `forGood`: it is not begun anew. Writers first: they wait. The way back has nothing to carry meanwhile, since applications are kept out of the standby. */
async function takenBack(deps: ActivityDeps, input: Switching, pair: Pair, forGood: boolean): Promise<readonly string[]> {
  const { operation } = input
  const { signal } = currentAct()
  const { forward, back } = pair
  const { subscription } = back
  dismissReady(operation)
  // by itself, since the standby may be the one that does not answer
  const stop = () =>
    behindFence(deps, pair.places.source, input.epochs.source, ({ admin, token }) => stopWayBack(admin, { subscription, token }))
  const { opened } = await inKeyholeOf(deps, pair.places.source, input.fenceEpoch, async (hole) => {
    await assertNotMoved(deps, operation)
    await assertNotMovedThere(hole.session, operation, pair)
    if (forGood) await recordTakenBack(deps, operation)
    assertMayAct()
    return reopened(hole, { operation, pair, signal, stop })
  })
  const { followedAgain: name } = SWITCHOVER_DOCUMENTS
  // of an attempt that begins anew it is another one each time
  const once = forGood ? (take: () => Promise<Barrier>) => rememberOnce(deps.ledger, { operation, name }, take) : undefined
  await onBoth(deps, pair, input, async ({ source, standby }) => {
    await raiseGuardAgain(standby.admin, { token: standby.token, signal })
    // first: a standby that waits for its disk at each commit is slower than writers are, and would never have what is waited for
    await confirmedAsBefore(deps, { standby, forward, operation })
    if ((await findSubscription(source.admin, subscription)) !== null) {
      await disableSubscription(source.admin, { name: subscription, token: source.token, signal })
      const tokens = { sourceToken: source.token, standbyToken: standby.token }
      await closeWayBack({
        ...{ source: source.admin, standby: standby.admin, forward, back },
        ...tokens,
        deadlineMs: WAY_BACK_MS,
        signal,
        operation,
        once,
      })
    } else {
      const found = await findSubscription(standby.admin, forward.subscription)
      if (found?.enabled === false) await enableSubscription(standby.admin, { name: forward.subscription, signal })
    }
  })
  await letGo(deps, operation, pair)
  return opened
}
