/** What comes once the standby is the writer. Nothing here is taken back; all of it is safe to repeat. */
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { inTransaction } from '../../postgres/connect/session'
import { openDatabases } from '../../postgres/fence/lower'
import { assertForWorkersOnly } from '../../postgres/fence/workers-only'
import { awaitBarrier, takeBarrier } from '../../postgres/replicate/barrier'
import { forgetOrigin, markFollowing } from '../../postgres/replicate/seeding'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { inKeyholeOf, keepApplicationsOut, letApplicationsIn } from '../replication/keyhole'
import { dropAtSource } from '../replication/make'
import { change, startWatch } from '../replication/record'
import { raisedOn } from '../replication/sides'
import type { Switching, SwitchoverActivities } from './contract'
import { insideBoth, type Pair, pairOf } from './pair'
import { stillClosed } from './stands'
import { onBoth } from './way-back'

type Told = { readonly summary: string }

/** Rows go a long way, and the worker may be between two attempts. */
const ROW_MS = 60_000

export async function recordMoved(deps: ActivityDeps, input: Switching): Promise<void> {
  const { ledger } = deps
  const { operation, epochs, fenceEpoch } = input
  const { places } = await pairOf(deps, input)
  const name = SWITCHOVER_DOCUMENTS.moved
  if ((await ledger.getDocument({ operation, name })) !== null) {
    // the source may be gone by now: that nobody has come since is asked where writing goes
    await inKeyholeOf(deps, places.standby, epochs.standby, async () => undefined)
    return
  }
  await inKeyholeOf(deps, places.source, fenceEpoch, ({ session, token }) =>
    // what is closed stays so until it is written down
    inTransaction(session, async () => {
      await assertForWorkersOnly(session, { raisedBy: operation, database: places.source.entry.database, token })
      assertMayAct()
      await ledger.putDocumentOnce({ operation, name, document: { version: 1 } })
    }),
  )
}

export async function openToApplications(deps: ActivityDeps, input: Switching): Promise<Told> {
  const pair = await pairOf(deps, input)
  const { places, id } = pair
  const { operation } = input
  // whoever moved the endpoint by hand has not written down that writing moves
  if ((await deps.ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.moved })) === null) await recordMoved(deps, input)
  // while the standby's keyhole is opened
  const asking = stillClosed(deps, pair, operation)
  asking.catch(() => undefined)
  const { back, gone, unasked } = await inKeyholeOf(deps, places.standby, input.epochs.standby, async (on) => {
    const unasked = await asking
    assertMayAct()
    return { ...(await letApplicationsIn(on, places.standby)), unasked }
  })
  const open = back.length === 0 ? `${id.target} is open to whom it was` : `${back.join(', ')} may connect to ${id.target} again`
  const lacking = gone.length === 0 ? '' : `; not there any more, and so not let in: ${gone.join(', ')}`
  return { summary: `${open}${lacking}${unasked}` }
}

export async function letOldFollow(deps: ActivityDeps, input: Switching): Promise<Told> {
  const { operation } = input
  const { signal } = currentAct()
  const pair = await pairOf(deps, input)
  const { places, back, request, id } = pair
  // kept out first: what is opened then is open to its own roles alone
  await inKeyholeOf(deps, places.source, input.fenceEpoch, async (on) => {
    await keepApplicationsOut(on, places.source, request.declared.publisher.user)
    await openDatabases(on.session, { raisedBy: operation, token: on.token, signal })
  })
  const tokens = {
    source: await raisedOn(deps, places.source, input.epochs.source),
    standby: await raisedOn(deps, places.standby, input.epochs.standby),
  }
  const { waitedMs } = await insideBoth(deps, pair, tokens, async ({ source, standby }) => {
    const barrier = await takeBarrier(standby, { operation, token: tokens.standby, signal })
    const sides = { source: standby, standby: source, slot: back.slot, subscription: back.subscription }
    return awaitBarrier({ ...sides, barrier, deadlineMs: ROW_MS, signal })
  })
  return { summary: `a row that was committed on ${id.target} was on ${id.source} after ${waitedMs} ms` }
}

/** The ledger first: a slot that is dropped afterwards is of a standby that nobody thinks to follow. */
export async function turnStandby(deps: ActivityDeps, input: Parameters<SwitchoverActivities['turnStandby']>[0]): Promise<Told> {
  const { operation } = input
  const pair = await pairOf(deps, input)
  const { id, forward, places } = pair
  await turnInLedger(deps, input, pair)
  await onBoth(deps, pair, input, async ({ source, standby }) => {
    const { signal } = currentAct()
    await dropSubscription(standby.admin, { name: forward.subscription, source: source.admin })
    await dropAtSource(source, forward)
    assertMayAct()
    await forgetOrigin(standby.migrator, { source: id.source, token: standby.token, signal })
    await markFollowing(source.migrator, { source: id.target, operation, token: source.token, signal })
  })
  const { request, bundle } = pair
  const turned = {
    standby: bundle.database,
    declared: declaredBack(pair),
    back: request.declared,
    rehearse: false,
    drainMsMax: request.drainMsMax,
  }
  assertMayAct()
  const watched = await deps.ledger.putBundle({ version: 1, database: request.standby, migrations: [], switchover: turned })
  await startWatch({
    ...{ version: 1, source: id.target, target: id.source, bundle: watched, heartbeatTimeoutMs: input.heartbeatTimeoutMs },
    ...{ cloud: places.standby.entry.cloud, standbyCloud: places.source.entry.cloud },
    sides: { source: input.sides.standby, standby: input.sides.source },
  })
  return {
    summary: `${id.source} follows ${id.target} now: "capstan switchover ${id.target} --to ${id.source}" moves writing back`,
  }
}

function declaredBack({ request }: Pair) {
  if (request.back === null) throw new Error('nobody declared a way back')
  return request.back
}

async function turnInLedger(deps: ActivityDeps, { operation, sides }: Switching, pair: Pair): Promise<void> {
  const { ledger } = deps
  const { id } = pair
  const backId = { source: id.target, target: id.source }
  const at = new Date().toISOString()
  const before = await ledger.getStandby(id)
  if (before !== null && before.state !== 'gone') {
    const reason = `${operation} has moved writing to ${id.target}.`
    await change(deps, id, ['following', 'late', 'broken', 'paused', 'copying', 'to-be-seeded'], {
      to: 'gone',
      reason,
      operation,
    })
  }
  assertMayAct()
  const instances = { source: sides.standby.instanceId, target: sides.source.instanceId }
  await ledger.openStandby({ ...backId, operation, at, instances, names: pair.back, declared: declaredBack(pair) })
  await change(deps, backId, ['building', 'following', 'late'], { to: 'following', reason: null, operation })
}
