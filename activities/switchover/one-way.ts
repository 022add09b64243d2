/** The end of a move without a way back: the old writer stays closed, and nothing holds anything back for anybody. docs/decisions/0036-nobody-writes-on-the-old-writer.md. */
import { Failure, failure } from '../../contracts/failures'
import { forgetMovedAway, recordMovedAway } from '../../postgres/fence/moved-away'
import { dropSlot } from '../../postgres/replicate/slot'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { isAway } from '../replication/away'
import { inKeyholeOf, keepApplicationsOut } from '../replication/keyhole'
import { behindFence } from '../replication/sides'
import type { Switching } from './contract'
import { assertMoved } from './moved'
import { assertWay, type Pair, pairOf } from './pair'
import { refuseOpened } from './stands'

export async function leaveOldClosed(deps: ActivityDeps, input: Switching): Promise<{ summary: string }> {
  const pair = await pairOf(deps, input)
  assertWay(pair, true)
  await assertMoved(deps, input.operation)
  const { places, forward, id } = pair
  const { standby } = places
  const { signal } = currentAct()
  // where applications were let in by hand it bears that of earlier still, from when it was the old writer itself
  await inKeyholeOf(deps, standby, input.epochs.standby, ({ session, token }) =>
    forgetMovedAway(session, { database: standby.entry.database, token }),
  )
  // all of its tables followed when writing moved: no slot of a copy is left on a source that lets nobody in
  await behindFence(deps, standby, input.epochs.standby, async ({ admin }) => {
    await dropSubscription(admin, { name: forward.subscription, source: null })
  })
  await withOldWriter(pair, () => endBeside(deps, input, pair, signal))
  return {
    summary: `${id.source} stays closed, and is known as the old writer; the subscription and slot ${forward.slot} are gone, the publication ${forward.publication} is in ${id.source} still, and does nothing`,
  }
}

/** From beside it, since nobody comes into it: a slot is dropped from any database. */
async function endBeside(deps: ActivityDeps, input: Switching, pair: Pair, signal: AbortSignal): Promise<void> {
  const { operation } = input
  const { places, forward, id } = pair
  const { database } = places.source.entry
  await inKeyholeOf(deps, places.source, input.fenceEpoch, async (on) => {
    const { session, token } = on
    await refuseOpened(session, pair, operation)
    // one that was away when writing moved has not got it yet
    await recordMovedAway(session, { database, operation, writer: id.target, token, passed: true })
    // whoever opens it once more opens it to its own roles
    await keepApplicationsOut(on, places.source, null)
    assertMayAct()
    await dropSlot(session, { name: forward.slot, database, token, signal })
  })
}

/** Says of what fails with the old writer what that means meanwhile. */
async function withOldWriter(pair: Pair, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Failure) || !isAway(error)) throw error
    const { id, forward } = pair
    const meanwhile = `Applications are served by ${id.target}. The slot ${forward.slot} on ${id.source}, if it is there still, holds log back there without an end: drop it by hand should that disk fill up. Have it tried again once ${id.source} is there; or leave it out, and remove ${id.source} with all that is in it.`
    throw failure(error.code, `${error.message} ${meanwhile}`, error.facts, { cause: error })
  }
}
