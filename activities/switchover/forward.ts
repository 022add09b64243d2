/** What comes once the standby is the writer. Nothing here is taken back; all of it is safe to repeat. Applications are served before the old writer is asked for
 *  anything, and its being away keeps nobody from being served: who does not answer is told, with what it holds back meanwhile. */
import { Failure, failure } from '../../contracts/failures'
import { openDatabases } from '../../postgres/fence/lower'
import { forgetMovedAway, recordMovedAway } from '../../postgres/fence/moved-away'
import { awaitBarrier, takeBarrier } from '../../postgres/replicate/barrier'
import { prepareGuard, raiseGuard } from '../../postgres/replicate/guard'
import { markFollowing } from '../../postgres/replicate/seeding'
import { dropSlot } from '../../postgres/replicate/slot'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { followAll } from '../../postgres/replicate/way-back'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { inKeyholeOf, keepApplicationsOut, letApplicationsIn } from '../replication/keyhole'
import { dropAtSource } from '../replication/make'
import { dismissReady } from '../replication/ready'
import { change } from '../replication/record'
import { looking, raisedOn } from '../replication/sides'
import type { Switching, Watching } from './contract'
import { backIsLost, turnedId, watchBack } from './directions'
import { assertMoved, hasMoved, recordMoved } from './moved'
import { assertWay, backUser, insideBoth, type Pair, pairOf } from './pair'
import { refuseOpened, stillClosed } from './stands'
import { confirmedAsUsual } from './synced'
import { onBoth } from './way-back'

type Told = { readonly summary: string }

/** Rows go a long way, and the worker may be between two attempts. */
const ROW_MS = 60_000

/** A person may have moved the endpoint, and not what is written beside it: nobody is let in before that is there. */
export async function openToApplications(deps: ActivityDeps, input: Switching): Promise<Told> {
  const { operation } = input
  if (!(await hasMoved(deps, operation))) await recordMoved(deps, input)
  const pair = await pairOf(deps, input)
  const { places, id } = pair
  const user = backUser(pair)
  // while the standby's keyhole is opened
  const asking = stillClosed(deps, pair, operation)
  asking.catch(() => undefined)
  const { back, gone, unasked } = await inKeyholeOf(deps, places.standby, input.epochs.standby, async (on) => {
    const unasked = await asking
    assertMayAct()
    return { ...(await letApplicationsIn(on, places.standby, { stay: user === null ? [] : [user], writes: true })), unasked }
  })
  // nobody waits any more
  dismissReady(operation)
  const open = back.length === 0 ? `${id.target} is open to whom it was` : `${back.join(', ')} may connect to ${id.target} again`
  const lacking = gone.length === 0 ? '' : `; not there any more, and so not let in: ${gone.join(', ')}`
  return { summary: `${open}${lacking}${unasked}` }
}

export async function letOldFollow(deps: ActivityDeps, input: Switching): Promise<Told> {
  const pair = await pairOf(deps, input)
  assertWay(pair, false)
  await assertMoved(deps, input.operation)
  const { back, id } = pair
  const { standby } = pair.places
  // where applications were let in by hand it bears that of earlier still, from when it was the old writer itself
  await inKeyholeOf(deps, standby, input.epochs.standby, ({ session, token }) =>
    forgetMovedAway(session, { database: standby.entry.database, token }),
  )
  const { waited: waitedMs, unguarded } = await withOldWriter(pair, async () => {
    const unguarded = await openToItsOwn(deps, input, pair)
    if (await backIsLost(deps, pair)) throw lost(pair)
    const waited = await rowArrives(deps, input, pair)
    const { operation } = input
    await change(deps, turnedId(id), ['switching', 'following', 'late', 'broken'], { to: 'following', reason: null, operation })
    return { waited, unguarded }
  })
  return {
    summary: `${id.source} follows by ${back.slot}: a row was there after ${waitedMs} ms${toldUnguarded(unguarded)}`,
  }
}

/** Only what nobody else has opened, and not without the mark that writing has moved, which a source that was away has not got yet. Kept out first: what is opened
 *  then is open to its own roles alone. From here on what is in it may be thrown away by whoever seeds it anew. Resolves to the tables without a guard. */
async function openToItsOwn(deps: ActivityDeps, input: Switching, pair: Pair): Promise<readonly string[] | null> {
  const { operation } = input
  const { places, request, id } = pair
  const { database } = places.source.entry
  const { signal } = currentAct()
  await inKeyholeOf(deps, places.source, input.fenceEpoch, async (on) => {
    await refuseOpened(on.session, pair, operation)
    await recordMovedAway(on.session, { database, operation, writer: id.target, token: on.token })
    await keepApplicationsOut(on, places.source, request.declared.publisher.user)
    assertMayAct()
    await openDatabases(on.session, { raisedBy: operation, token: on.token, signal })
  })
  const token = await raisedOn(deps, places.source, input.epochs.source)
  assertMayAct()
  await looking(deps, places.source, 'migrator', async (session) => {
    await markFollowing(session, { source: id.target, operation, token, signal })
    await prepareGuard(session, { token, signal })
  })
  assertMayAct()
  // those whose lock was not to be had behind the fence
  return looking(deps, places.source, 'admin', (session) => raiseGuard(session, { token, signal, lockMs: LOCK_MS }))
}

/** Of who applies what comes, and of who vacuums. */
const LOCK_MS = 500

function toldUnguarded(tables: readonly string[] | null): string {
  if (tables === null || tables.length === 0) return '; whoever writes there is turned away'
  return `; nothing but its grants keeps anybody from writing to ${tables.slice(0, 5).join(', ')}${tables.length > 5 ? ` and ${tables.length - 5} more` : ''}`
}

async function rowArrives(deps: ActivityDeps, input: Switching, pair: Pair): Promise<number> {
  const { operation } = input
  const { places, back } = pair
  const { signal } = currentAct()
  const tokens = {
    source: await raisedOn(deps, places.source, input.epochs.source),
    standby: await raisedOn(deps, places.standby, input.epochs.standby),
  }
  const { waitedMs } = await insideBoth(deps, pair, tokens, async ({ source, standby }) => {
    const barrier = await takeBarrier(standby, { operation, token: tokens.standby, signal })
    const sides = { source: standby, standby: source, slot: back.slot, subscription: back.subscription }
    const passed = await awaitBarrier({ ...sides, barrier, deadlineMs: ROW_MS, signal })
    await confirmedAsUsual(source, pair, tokens.source)
    // nobody reads it any more, nothing bounds it, and what comes back fills the log that it keeps
    assertMayAct()
    await dropSlot(source, { name: pair.forward.slot, token: tokens.source, signal })
    return passed
  })
  return waitedMs
}

/** What the way there was made of goes, and with it what could send rows round: from then on what the new writer gets from elsewhere comes along. */
export async function turnStandby(deps: ActivityDeps, input: Watching): Promise<Told> {
  const { operation } = input
  const pair = await pairOf(deps, input)
  assertWay(pair, false)
  await assertMoved(deps, operation)
  const { id, forward, back } = pair
  await withOldWriter(pair, () =>
    onBoth(deps, pair, input, async ({ source, standby }) => {
      const { signal } = currentAct()
      await dropSubscription(standby.admin, { name: forward.subscription, source: source.admin })
      await dropAtSource(source, forward)
      if (await backIsLost(deps, pair)) return
      assertMayAct()
      await followAll({
        ...{ source: standby.admin, standby: source.admin, forward: back, operation },
        ...{ sourceToken: standby.token, standbyToken: source.token, deadlineMs: ROW_MS, signal },
      })
    }),
  )
  await watchBack(deps, input, pair)
  return {
    summary: `${id.source} follows ${id.target} now: "capstan switchover ${id.target} --to ${id.source}" moves writing back`,
  }
}

/** Says of what fails with the old writer what that means meanwhile. A row that is not there yet may be once its server is back: it is tried again. */
async function withOldWriter<T>(pair: Pair, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Failure) || !WAITS.includes(error.code)) throw error
    const code = error.code === 'BARRIER_NOT_PASSED' ? 'NOT_READY_YET' : error.code
    throw failure(code, `${error.message} ${meanwhile(pair)}`, error.facts, { cause: error })
  }
}

const WAITS: readonly string[] = ['BARRIER_NOT_PASSED', 'NOT_READY_YET', 'DATABASE_UNREACHABLE', 'CONNECTION_LOST']

function meanwhile(pair: Pair): string {
  const { id, back, forward, request } = pair
  const most = Math.round(request.declared.retainedBytesMax / 1024 ** 2)
  return `Applications are served by ${id.target}. Its slot ${back.slot} holds log back for ${id.source}, until that is ${most} MiB (maxRetained): then the watch drops it. The slot ${forward.slot} on ${id.source}, if it is there still, holds log back there without an end: drop it by hand should that disk fill up. Have it tried again once ${id.source} is there, or leave it out; then ${seedAnew(pair)}.`
}

function lost(pair: Pair): Failure {
  const { id, back } = pair
  const message = `The slot ${back.slot} on ${id.target} was dropped, so that its disk does not fill up: ${id.source} will not follow by it. Leave this step out; then ${seedAnew(pair)}.`
  return failure('STANDBY_CHANGED', message, { source: id.target, standby: id.source })
}

const seedAnew = ({ id }: Pair): string => `"capstan standby reseed ${id.target} --to ${id.source}" seeds it anew`
