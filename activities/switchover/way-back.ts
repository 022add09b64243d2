/** The way back, made before the outage and left disabled, and taken away again where writing did not move. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { SWITCHOVER_STEPS as STEPS } from '../../contracts/switchover'
import { ensureControlSchema } from '../../postgres/migrate/control-schema'
import { prepareGuard, setGuardAsideApart } from '../../postgres/replicate/guard'
import { ensurePublication } from '../../postgres/replicate/publication'
import { ensureSlot } from '../../postgres/replicate/slot'
import { ensureSubscription } from '../../postgres/replicate/subscription'
import { shownList } from '../../postgres/replicate/tables'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { carrySequences, readSequences, refuseUncarried } from '../../postgres/replicate/watch/sequences'
import { wayBackObstacles } from '../../postgres/replicate/way-back'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { giveApplicationsBack, inKeyholeOf, keepApplicationsOut, movedAwayFrom } from '../replication/keyhole'
import { dropAtSource, letRead, OWN_TABLES } from '../replication/make'
import { publishedTables } from '../replication/published'
import { type BehindFence, behindFence, type SideName } from '../replication/sides'
import type { Switching, Watching } from './contract'
import { closeBack, openBack } from './directions'
import { unpublished } from './look'
import { alreadyMoved, assertNotMoved, assertNotTakenBack } from './moved'
import { assertWay, backPublisher, backUser, type Pair, pairOf } from './pair'

type Told = { readonly summary: string }
type OnBoth = Readonly<Record<SideName, BehindFence>>

export async function prepareWayBack(deps: ActivityDeps, input: Watching): Promise<Told> {
  const pair = await pairOf(deps, input)
  assertWay(pair, input.step === STEPS.apart.id)
  await refuseMoved(deps, input, pair)
  await assertNotTakenBack(deps, input.operation)
  // first: who keeps them out says, to whoever goes on by hand, that nothing was lacking
  if (pair.oneWay) await withoutWayBack(deps, input, pair)
  const kept = await inKeyholeOf(deps, pair.places.standby, input.epochs.standby, (on) =>
    keepApplicationsOut(on, pair.places.standby, backUser(pair)),
  )
  const others =
    kept.stillIn.length === 0 ? '' : `; who may still connect to the standby besides its own roles: ${kept.stillIn.join(', ')}`
  if (pair.oneWay) return { summary: `no way back is made; applications are kept out of ${pair.id.target}${others}` }
  const publisher = await backPublisher(deps, pair)
  await openBack(deps, input, pair)
  const set = await onBoth(deps, pair, input, async ({ source, standby }) => {
    const { back, forward } = pair
    const { signal } = currentAct()
    // what is published now: the plan that was approved may not have been the first
    const { published: tables, missing } = await publishedTables(source.migrator, forward)
    refuseLacking(missing.map((table) => unpublished(table, pair)))
    // what is ours and new since the standby was made follows too, and has to be there
    for (const { migrator } of [source, standby]) await ensureControlSchema(migrator)
    await letRead(standby.migrator, publisher.user)
    // what is put upon its tables behind the fence needs it
    await prepareGuard(source.migrator, { token: source.token, signal })
    const published = { name: back.publication, tables: [...tables, ...OWN_TABLES], viaPartitionRoot: true }
    await ensurePublication(standby.migrator, { ...published, token: standby.token, signal })
    assertMayAct()
    const { failover } = await ensureSlot(standby.admin, { name: back.slot, signal })
    assertMayAct()
    const made = { name: back.subscription, slot: back.slot, publication: back.publication, publisher, failover }
    await refuseGuarded(source, pair)
    await ensureSubscription(source.admin, { ...made, copyData: false, origin: 'none', enabled: false, signal })
    refuseLacking(await wayBackObstacles({ source: source.admin, standby: standby.admin, forward, back }))
    assertMayAct()
    return carrySequences({ source: await readSequences(source.migrator), standby: standby.migrator, margin: 0 })
  })
  refuseUncarried(set.findings)
  return {
    summary: `publication and slot ${pair.back.slot} on ${pair.id.target}, subscription on ${pair.id.source}, disabled${others}`,
  }
}

/** What would end the outage in vain is found now: a table that goes nowhere, a sequence that may not be set. */
async function withoutWayBack(deps: ActivityDeps, input: Switching, pair: Pair): Promise<void> {
  const set = await onBoth(deps, pair, input, async ({ source, standby }) => {
    const { missing } = await publishedTables(source.migrator, pair.forward)
    refuseLacking(missing.map((table) => unpublished(table, pair)))
    assertMayAct()
    return carrySequences({ source: await readSequences(source.migrator), standby: standby.migrator, margin: 0 })
  })
  refuseUncarried(set.findings)
}

export async function dropWayBack(deps: ActivityDeps, input: Switching): Promise<void> {
  const pair = await pairOf(deps, input)
  await refuseMoved(deps, input, pair)
  if (!pair.oneWay) await removeWayBack(deps, input, pair)
  await giveApplicationsBack(deps, pair.places.standby, input.epochs.standby)
}

async function removeWayBack(deps: ActivityDeps, input: Switching, pair: Pair): Promise<void> {
  await onBoth(deps, pair, input, async ({ source, standby }) => {
    await dropSubscription(source.admin, { name: pair.back.subscription, source: standby.admin })
    await dropAtSource(standby, pair.back)
    assertMayAct()
    const { signal, log } = currentAct()
    const guarded = await setGuardAsideApart(source.admin, { token: source.token, signal })
    // it means nothing there now, and is asked for again before a way back is made
    if (guarded.length > 0) log?.('tables keep their guard: their locks were not to be had', { tables: guarded.join(', ') })
  })
  await closeBack(deps, input.operation, pair)
}

/** To be made it is enabled for a moment, in which a guard that was left by a crossing of before would turn the writers of now away. A table that somebody writes to all the
 *  while has a moment without him. */
async function refuseGuarded({ admin, token }: BehindFence, { id }: Pair): Promise<void> {
  const { signal } = currentAct()
  for (const until = performance.now() + ASIDE_MS; ; await sleep(PAUSE_MS, undefined, { signal })) {
    const guarded = await setGuardAsideApart(admin, { token, signal })
    if (guarded.length === 0) return
    if (performance.now() <= until) continue
    const message = `Tables of ${id.source} have a guard of before still, which would turn writers away while the way back is made, and their locks were not to be had within ${ASIDE_MS / 1_000} s: ${shownList(guarded)}. End what has been writing there for so long, then start again.`
    throw failure('DATABASE_REFUSED', message, { tables: guarded.length })
  }
}

const ASIDE_MS = 5_000
const PAUSE_MS = 200

/** Of a workflow that was set back: it would shut applications out of the writer. */
async function refuseMoved(deps: ActivityDeps, { operation }: Switching, { places, id }: Pair): Promise<void> {
  await assertNotMoved(deps, operation)
  const moved = await movedAwayFrom(deps, places.source)
  if (moved?.writer === id.target) throw alreadyMoved(moved.operation)
}

export function onBoth<T>(
  deps: ActivityDeps,
  { places }: Pick<Pair, 'places'>,
  { epochs }: Switching,
  act: (on: OnBoth) => Promise<T>,
): Promise<T> {
  return behindFence(deps, places.source, epochs.source, (source) =>
    behindFence(deps, places.standby, epochs.standby, (standby) => {
      assertMayAct()
      return act({ source, standby })
    }),
  )
}

function refuseLacking(lacking: readonly string[]): void {
  if (lacking.length > 0)
    throw failure('DATABASE_REFUSED', `Writing cannot move as it stands: ${lacking.join(' ')}`, { lacking: lacking.length })
}
