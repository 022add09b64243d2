/** The standby becomes the writer. Nothing here is taken back; all of it is safe to repeat, and nothing of it asks the source. */
import { FAILOVER_DOCUMENTS, type FailoverKept, type FailoverPlan } from '../../contracts/failover'
import { failure } from '../../contracts/failures'
import type { StandbyRecord, StandbyState } from '../../contracts/standby'
import { setGuardAside } from '../../postgres/replicate/guard'
import { filledViews } from '../../postgres/replicate/materialized-views'
import { forgetOrigin } from '../../postgres/replicate/seeding'
import { advanceSequences, type SequenceTargets, sequenceTargets } from '../../postgres/replicate/sequence-margin'
import { disableSubscription, findSubscription } from '../../postgres/replicate/subscription'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { lastBeat } from '../../postgres/replicate/watch/beat'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { rememberOnce } from '../remember'
import { inKeyholeOf, letApplicationsIn } from '../replication/keyhole'
import { change } from '../replication/record'
import { type BehindFence, behindFence } from '../replication/sides'
import type { FailoverActivities } from './contract'
import { lossMsMax } from './exposure'
import { fencedSince } from './fenced-since'
import { dropLeftBack, isLeftAmid, movedThere } from './left-amid'
import { type FailoverPair, failoverPair } from './pair'
import { seconds } from './plan'

type Input = Parameters<FailoverActivities['openAsWriter']>[0]
type Opened = Awaited<ReturnType<FailoverActivities['openAsWriter']>>

export async function recordOpening({ ledger }: Pick<ActivityDeps, 'ledger'>, operation: string): Promise<void> {
  assertMayAct()
  await ledger.putDocumentOnce({ operation, name: FAILOVER_DOCUMENTS.opened, document: { version: 1 } })
}

const ANY: readonly StandbyState[] = ['following', 'late', 'broken', 'paused', 'switching', 'copying', 'to-be-seeded']

/** The ledger first: a standby that nobody thinks to be one is neither watched nor seeded nor emptied. Applications last. */
export async function openAsWriter(deps: ActivityDeps, input: Input): Promise<Opened> {
  const { operation } = input
  const pair = await failoverPair(deps, input)
  const { id, places } = pair
  const before = await deps.ledger.getStandby(id)
  if (before !== null && before.state !== 'gone') {
    if (before.state === 'switching') await refuseMoved(deps, pair, before)
    assertMayAct()
    await change(deps, id, ANY, { to: 'gone', reason: `${operation} has made ${id.target} the writer.`, operation })
  }
  const seen = before?.look?.sequences ?? {}
  const detaching = behindFence(deps, places.standby, input.epoch, async (on) => {
    const had = await detach(deps, input, pair, on)
    await dropLeftBack(deps, { operation, id }, on)
    const where = await rememberOnce(deps.ledger, { operation, name: FAILOVER_DOCUMENTS.sequences }, async () => ({
      version: 1 as const,
      ...(await sequenceTargets(on.migrator, seen, pair.request.sequenceMargin)),
    }))
    assertMayAct()
    const moved = await advanceSequences(on.migrator, where.targets)
    assertMayAct()
    await forgetOrigin(on.migrator, { source: id.source, token: on.token, signal: currentAct().signal })
    // of a time when it was an old writer: from here on it means nothing there
    await setGuardAside(on.admin, { token: on.token, signal: currentAct().signal })
    return { kept: had, targets: where, advanced: moved, views: await filledViews(on.migrator) }
  })
  // the way in is made meanwhile; nobody comes in by it before all that is done
  const opening = inKeyholeOf(deps, places.standby, input.epoch, async (on) => {
    await detaching
    assertMayAct()
    return letApplicationsIn(on, places.standby, { writes: true })
  })
  const [detached, opened] = await Promise.allSettled([detaching, opening])
  if (detached.status === 'rejected') throw detached.reason
  if (opened.status === 'rejected') throw opened.reason
  const { kept, targets, advanced, views } = detached.value
  const { back, gone } = opened.value
  return {
    lossMsMax: kept.lossMsMax,
    beatAt: kept.beat?.at ?? null,
    views,
    uncarried: kept.uncarried ?? [],
    summary: [
      toldKept(kept, input.fencedAt !== null),
      `${advanced} sequences set on${toldSequences(targets)}`,
      back.length === 0 ? `${id.target} is open to whom it was` : `${back.join(', ')} may connect to ${id.target} again`,
      ...(gone.length === 0 ? [] : [`not there any more, and so not let in: ${gone.join(', ')}`]),
    ].join('; '),
  }
}

/** Once more, since somebody may have gone on with it by hand since it was planned. */
async function refuseMoved(deps: ActivityDeps, pair: FailoverPair, record: StandbyRecord): Promise<void> {
  const moved = await movedThere(deps, pair, record)
  const { operation, target } = record
  if (moved === null && (await isLeftAmid(deps.ledger, record))) return
  const message = moved ?? `${operation} has moved writing to ${target}, or is at it: look which of both is written to.`
  throw failure('RESOURCE_NOT_OURS', message, { operation, standby: target })
}

/** What it has is read once nothing comes any more. It is written down before the subscription goes, and never anew: from then on it is written to. */
async function detach(
  deps: ActivityDeps,
  { operation, fencedAt, drained }: Input,
  { forward }: FailoverPair,
  { admin, migrator, token }: BehindFence,
): Promise<FailoverKept> {
  const { signal } = currentAct()
  const name = forward.subscription
  if ((await findSubscription(admin, name)) !== null) {
    assertMayAct()
    await disableSubscription(admin, { name, token, signal })
  }
  const kept = await rememberOnce(deps.ledger, { operation, name: FAILOVER_DOCUMENTS.kept }, async (): Promise<FailoverKept> => {
    const found = await lastBeat(migrator)
    const beat = found === null ? null : { at: found.at, lsn: found.lsn }
    const plan = (await deps.ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.plan })) as FailoverPlan | null
    const lost = drained
      ? 0
      : fencedAt === null
        ? null
        : lossMsMax(beat, await fencedSince(deps, operation, fencedAt), plan?.exposure.skew)
    return { version: 1, beat, lossMsMax: lost, drained, uncarried: plan?.uncarried ?? [] }
  })
  assertMayAct()
  await dropSubscription(admin, { name, source: null })
  return kept
}

function toldKept(kept: FailoverKept, fenced: boolean): string {
  const { uncarried = [] } = kept
  return [toldHad(kept, fenced), ...uncarried].join('; ')
}

function toldHad({ beat, lossMsMax: ms, drained, uncarried = [] }: FailoverKept, fenced: boolean): string {
  if (drained) return `it has all that was ever acknowledged${uncarried.length === 0 ? '' : ' and goes to a standby'}`
  if (beat === null) return 'nobody knows what it lacks'
  if (ms === null && fenced)
    return `it has all that was committed before ${beat.at}, by a clock that is ahead of ours: nobody knows what it lacks`
  if (ms === null)
    return `it has all that was committed before ${beat.at}, and lacks whatever the old writer takes besides, which is not proven fenced`
  return `it has all that was committed before ${beat.at}, and lacks ${seconds(ms)} of writes at most`
}

function toldSequences({ unseen, exhausted }: SequenceTargets): string {
  const parts = [
    ...(unseen.length === 0 ? [] : [`not known where they stood: ${unseen.join(', ')}`]),
    ...(exhausted.length === 0 ? [] : [`without a value left: ${exhausted.join(', ')}`]),
  ]
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`
}
