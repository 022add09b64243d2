/** The fence around a source that lets us in, as in a switchover: closed with the walsender as a guest, proven, and drained by a barrier. One attempt from end to
 *  end, since a guest is a session, and a session lives no longer than its attempt. */
import { failure } from '../../contracts/failures'
import type { FencedInstance, FencePlace } from '../../contracts/instance-fence'
import type { LockRef } from '../../contracts/lock'
import type { OperationId } from '../../contracts/operation'
import { holdsOf } from '../../ledger/fenced-instances'
import type { Session } from '../../postgres/connect/session'
import { ownGuest, walsenderGuest } from '../../postgres/fence/guests'
import { openDatabases } from '../../postgres/fence/lower'
import { type MovedAway, readMovedAway } from '../../postgres/fence/moved-away'
import { proveClosed } from '../../postgres/fence/prove'
import { closeDatabases } from '../../postgres/fence/raise'
import { standingEpoch } from '../../postgres/migrate/fence'
import { applyErrors, awaitBarrier, takeBarrier } from '../../postgres/replicate/barrier'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { placeOf } from '../instance-fence/place'
import { inKeyholeOf, standingInKeyhole } from '../replication/keyhole'
import { isOldWriter, markOldWriter } from '../replication/old-writer'
import { looking, opener, type Place, raisedOn } from '../replication/sides'
import { epochAbove } from '../schema/epoch'
import { openSession } from '../schema/open-session'
import { inTime, limitStatements } from '../switchover/in-time'
import { heldSince } from '../switchover/look'
import { changedSince, stampsOf } from '../switchover/stamps'
import type { FailingOver, FailoverActivities } from './contract'
import { leftBehind, plannedUnlogged } from './left-behind'
import { alreadyOpened, assertNotOpened, failoverPair } from './pair'

type Fencing = FailingOver & { readonly lock: LockRef }

const EMPTYING_MS = 30_000
/** As a switchover has for it. */
const LAST_LOOK_MS = 30_000

/** What was begun is to be taken back: written before the first change. */
interface Begun {
  readonly version: 1
  readonly instance: string
}
export const FENCE_BEGUN = 'failover-fence-begun'

export async function fenceInside(deps: ActivityDeps, input: Fencing): Promise<{ evidence: readonly string[] }> {
  const { operation } = input
  const { signal } = currentAct()
  const pair = await failoverPair(deps, input)
  const { places, forward, request } = pair
  const { source, standby } = places
  const begun: Begun = { version: 1, instance: source.address.instance }
  assertMayAct()
  await deps.ledger.putDocumentOnce({ operation, name: FENCE_BEGUN, document: begun })
  const { database } = source.entry
  const epoch = await openedBefore(deps, source, input.lock)
  const tokens = { source: await raisedOn(deps, source, epoch), standby: await raisedOn(deps, standby, input.epoch) }
  return inKeyholeOf(deps, source, epoch, async (hole) => {
    const inside = await opener(deps, source, 'admin', tokens.source)()
    try {
      const there = await opener(deps, standby, 'admin', tokens.standby)()
      return await close(inside, there).finally(() => there.close())
    } finally {
      await inside.close()
    }

    async function close(inside: Session, there: Session): Promise<{ evidence: readonly string[] }> {
      const { slot, subscription } = forward
      const both = { source: inside, standby: there }
      const unlogged = await plannedUnlogged(deps, operation)
      // before it is looked, so that what is made meanwhile is seen behind the fence
      const stamps = await stampsOf(both)
      refuseLeft('Nobody was shut out', await leftBehind(both, pair, unlogged))
      await limitStatements([inside, there])
      const guests = [await ownGuest(inside), await walsenderGuest(hole.session, slot)]
      const raising = { connectTo: hole.connectTo, scope: { databases: [database] }, operation, token: hole.token, guests }
      const errorsBefore = await applyErrors(there, subscription)
      await closeDatabases(hole.session, {
        ...raising,
        waitMs: EMPTYING_MS,
        signal,
        beforeChange: async () => void assertMayAct(),
      })
      const proof = await proveClosed(hole.session, { ...raising, connectAsWriter: () => asWriter(deps, source) })
      assertMayAct()
      const barrier = await takeBarrier(inside, { operation, token: tokens.source, signal })
      const awaited = { source: hole.session, standby: there, slot, subscription, barrier, errorsBefore }
      const { waitedMs } = await awaitBarrier({ ...awaited, deadlineMs: request.drainMsMax, signal })
      // from here on nobody makes anything, and nobody is served
      const last = { stage: 'the last look', limitMs: LAST_LOOK_MS, sessions: [inside, there], spared: [hole.session] }
      const left = await inTime(last, async () => {
        const now = await stampsOf(both)
        const same = now.source === stamps.source && now.standby === stamps.standby
        return same ? await heldSince(inside, unlogged) : await leftBehind(both, pair, unlogged)
      })
      refuseLeft('What was made after the look before the fence is not carried', left)
      return {
        evidence: [
          `nobody is inside ${database}, and ${proof.writer.user} is turned away`,
          `the standby has all of the log up to ${barrier.lsn}, after ${waitedMs} ms`,
        ],
      }
    }
  })
}

/** Its rows would stay in a source that is given up, while the record says that nothing is lost. */
function refuseLeft(before: string, left: readonly string[]): void {
  if (left.length > 0) throw changedSince(before, left)
}

export async function markSource(deps: ActivityDeps, input: Fencing): Promise<{ summary: string }> {
  const { id, places } = await failoverPair(deps, input)
  const { source } = places
  const epoch = async () => epochAbove(deps, input.operation, input.lock, await standingInKeyhole(deps, source))
  return { summary: await markOldWriter(deps, { place: source, epoch, writer: id.target }) }
}

/** Whatever the ledger says: who is marked by this operation has another writer in its place. */
async function assertNotMarked(keyhole: Session, operation: OperationId, { entry }: Place): Promise<void> {
  const moved = await readMovedAway(keyhole, entry.database)
  if (moved?.operation === operation) throw alreadyOpened(operation)
}

/** Nor by another: a plan goes on without the word of a source that is slow. Not in an undo, which opens only what this operation has closed. */
export function refuseOldWriter(place: Place, moved: MovedAway | null, operation: OperationId): void {
  if (moved === null) return
  if (moved.operation === operation) throw alreadyOpened(operation)
  throw failure('RESOURCE_NOT_OURS', isOldWriter(place, moved), { operation: moved.operation, writer: moved.writer })
}

function asWriter(deps: ActivityDeps, { entry, address, ref: { operation, step } }: Place): Promise<Session> {
  return openSession(deps, { entry, role: 'migrator', operation, step, address, canary: false, ownAddress: true })
}

/** An attempt before this one may have left it closed, with nobody inside. Resolves to an epoch that is above both rows of who may act. */
async function openedBefore(deps: ActivityDeps, source: Place, lock: LockRef): Promise<number> {
  const { operation } = source.ref
  const first = await epochAbove(deps, operation, lock, await standingInKeyhole(deps, source))
  await inKeyholeOf(deps, source, first, async ({ session, token }) => {
    await assertNotOpened(deps, operation)
    refuseOldWriter(source, await readMovedAway(session, source.entry.database), operation)
    await openDatabases(session, { raisedBy: operation, token, signal: currentAct().signal })
  })
  const stands = await looking(deps, source, 'migrator', standingEpoch)
  return stands < first ? first : epochAbove(deps, operation, lock, stands)
}

/** How an instance was is written down before its cloud is told anything: where it is not, there is nothing to put back, and nobody of that cloud's is needed for
 *  it, who may be away with the source. False: its cloud may have been told, or others want it fenced. */
async function liftedUntold(
  { ledger }: ActivityDeps,
  operation: string,
  { place, instanceId }: { readonly place: FencePlace; readonly instanceId: string },
  told: FencedInstance | null,
): Promise<boolean> {
  if (told === null || told.before !== null || told.operation !== operation) return false
  if (!['fencing', 'lifting'].includes(told.state)) return told.state === 'lifted'
  if ((await ledger.leaveFence({ place, instanceId, operation })).others.length > 0) return false
  assertMayAct()
  // from here on nobody writes down how it was, nor tells its cloud anything
  const { before } = await ledger.changeFence({ place, instanceId, operation, from: ['fencing', 'lifting'], to: 'lifting' })
  if (before !== null) return false
  await ledger.changeFence({ place, instanceId, operation, from: ['lifting'], to: 'lifted' })
  return true
}

/** `cloudTold`: its cloud was told something as well, which only a worker of its own takes back. */
export async function openSource(deps: ActivityDeps, input: Fencing): ReturnType<FailoverActivities['openSource']> {
  const { operation } = input
  const { signal } = currentAct()
  await assertNotOpened(deps, operation)
  const { ledger } = deps
  const { database } = await ledger.getBundle(input.bundle)
  const fenced = { place: placeOf(database, input.sides.source), instanceId: input.sides.source.instanceId }
  const told = await ledger.getFence(fenced.place)
  const holds = told === null || told.instanceId !== input.sides.source.instanceId ? [] : holdsOf(told)
  const cloudTold = holds.some((hold) => hold.operation === operation) && !(await liftedUntold(deps, operation, fenced, told))
  if ((await ledger.getDocument({ operation, name: FENCE_BEGUN })) === null)
    return { cloudTold, summary: 'nothing was closed in it' }
  const { places } = await failoverPair(deps, input)
  const { entry } = places.source
  // closed or not, its keyhole is open
  const standing = await standingInKeyhole(deps, places.source)
  const epoch = await epochAbove(deps, operation, input.lock, standing)
  const opened = await inKeyholeOf(deps, places.source, epoch, async ({ session, token }) => {
    await assertNotOpened(deps, operation)
    await assertNotMarked(session, operation, places.source)
    return openDatabases(session, { raisedBy: operation, token, signal })
  })
  return { cloudTold, summary: opened.length === 0 ? `${entry.database} was not closed` : `${opened.join(', ')} open again` }
}
