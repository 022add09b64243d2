/** Which of both is the writer, whatever the ledger says: that is written in the databases themselves. Nothing that is done with a standby is done with a
 *  database that writing has moved to; and what was the writer, and was left closed by a switchover that was ended by force, is made the standby that it is. */
import { Failure, failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import type { DeclaredStandby, StandbyNames } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { quoteIdentifier } from '../../postgres/connect/quote'
import type { Session } from '../../postgres/connect/session'
import { CLOSED_STATE, enterKeyhole } from '../../postgres/fence/keyhole'
import { openDatabases } from '../../postgres/fence/lower'
import { type MovedAway, recordMovedAway } from '../../postgres/fence/moved-away'
import { closedBy } from '../../postgres/fence/raise'
import { FULL_STATE, notForWorkersOnly } from '../../postgres/fence/workers-only'
import { refuseWriters } from '../../postgres/replicate/before-seeding'
import { prepareGuard } from '../../postgres/replicate/guard'
import { isKeptOut } from '../../postgres/replicate/keep-out'
import { othersWhoWrite } from '../../postgres/replicate/logins'
import { standbyNames } from '../../postgres/replicate/names'
import { markFollowing, markToBeEmptied, readOrigin } from '../../postgres/replicate/seeding'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { followAll } from '../../postgres/replicate/way-back'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { unlessAway } from './away'
import type { Replicating } from './contract'
import { closedBeside, inKeyholeOf, keepApplicationsOut, letApplicationsIn, masterOf, movedAwayFrom } from './keyhole'
import { dropAtSource, onBoth, placeOf } from './make'
import { type Both, looking, type Place } from './sides'

const ROW_MS = 60_000

/** Throws DATABASE_REFUSED where the standby's own database says that it is none of this source's, or the source's server that writing has moved there. */
export async function refuseWriterAsStandby(deps: ActivityDeps, input: Replicating, { id }: Both): Promise<void> {
  const mark = await looking(deps, await placeOf(deps, input, 'standby'), 'migrator', readOrigin)
  const moved = await movedAwayFrom(deps, await placeOf(deps, input, 'source')).catch(unlessAway)
  if (mark?.source === id.source && moved?.writer !== id.target) return
  const found =
    moved?.writer === id.target
      ? `${moved.operation} has moved writing there`
      : mark === null
        ? 'its database is nobody’s standby'
        : `its database follows ${mark.source}`
  const message = `${id.target} is no standby of ${id.source} by now: ${found}. Nothing of it is given up or overwritten; the standby may be ${id.source}: "capstan standby list".`
  throw failure('DATABASE_REFUSED', message, { source: id.source, standby: id.target })
}

/** Of a standby that was the writer until writing moved to its source, and that the switchover left unfinished: it is kept from applications, opened to its own
 *  roles where it was left closed, the writer of now is open to those to whom it was, and what the way there was made of goes. `overwrites`: what it holds is
 *  thrown away, even what was written there since. False: it was not, or is a standby since like any other. Safe to repeat. */
export async function admitOldWriter(
  deps: ActivityDeps,
  input: Replicating,
  { id, request }: Both,
  { overwrites }: { readonly overwrites: boolean },
): Promise<boolean> {
  const { operation } = input
  const place = await placeOf(deps, input, 'standby')
  const moved = (await movedAwayFrom(deps, place)) ?? (await movedByLedger(deps, place, id, overwrites))
  if (moved === null || moved.writer !== id.source) return false
  const left = await leftAs(deps, input, id, moved)
  if (left === null) return false
  if (left === 'closed' && overwrites) await refuseWrittenTo(deps, place)
  await inKeyholeOf(deps, place, input.epochs.standby, async (on) => {
    // who reads it by now was let in by a person
    if (!(await isClosedBy(on.session, moved.operation, place))) return
    const { database } = place.entry
    const opened = await notForWorkersOnly(on.session, { raisedBy: moved.operation, database })
    if (opened.length === 0) await recordMovedAway(on.session, { ...moved, database, token: on.token })
    else if (!overwrites) throw openedSince(id, moved, database, opened)
    // in its name: whoever comes after this operation, should that end here, has to see whose leavings these are
    const ofMove = { ...place, ref: { ...place.ref, operation: moved.operation as OperationId } }
    await keepApplicationsOut(on, ofMove, request.declared.wayBack?.user ?? null)
    assertMayAct()
    await openDatabases(on.session, { raisedBy: moved.operation, token: on.token, signal: currentAct().signal })
  })
  await admitToWriter(deps, input, request.declared)
  const forward = standbyNames({ source: id.target, target: id.source })
  await onBoth(deps, input, async ({ source, standby }) => {
    const { signal } = currentAct()
    const mark = { source: id.source, operation, token: standby.token, signal }
    // what somebody wrote there since is not to be followed upon
    if ((await readOrigin(standby.migrator)) === null)
      await (overwrites ? markToBeEmptied : markFollowing)(standby.migrator, mark)
    await prepareGuard(standby.migrator, { token: standby.token, signal })
    assertMayAct()
    await dropSubscription(source.admin, { name: forward.subscription, source: standby.admin })
    await dropAtSource(standby, forward)
  })
  return true
}

/** Of a source that was away when writing moved, and so bears no mark: by whom it is closed is written beside it all the same, and whether that one has moved writing
 *  away from it the ledger says. A switchover closes no other database than its source. */
async function movedByLedger(deps: ActivityDeps, place: Place, id: Both['id'], overwrites: boolean): Promise<MovedAway | null> {
  const operation = (await closedBeside(deps, place)) ?? (overwrites ? await switchingBy(deps, id) : null)
  if (operation === null) return null
  const by = await deps.ledger.getOperation(operation)
  if (by?.kind !== 'switchover' || !by.databases.includes(id.source) || !by.databases.includes(id.target)) return null
  const moved = await deps.ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.moved })
  return moved === null ? null : { operation, writer: id.source }
}

/** What is written beside it goes when a reseed opens it, which may end before it says what it makes of it: the ledger has it as it was until then. Whoever lets it follow
 *  on would keep what somebody wrote there meanwhile. */
async function switchingBy({ ledger }: ActivityDeps, id: Both['id']): Promise<OperationId | null> {
  const held = await ledger.getStandby(id)
  return held?.state === 'switching' ? held.operation : null
}

/** Whoever opened it may have led applications there. Those are not ended, and what they write is not thrown away. */
async function refuseWrittenTo(deps: ActivityDeps, place: Place): Promise<void> {
  const { connections, database } = place.entry
  const own = [connections.admin.user, connections.migrator.user]
  const connected = await looking(deps, place, 'admin', async (session) => {
    await refuseWriters(session, own)
    return (await othersWhoWrite(session, { database, own })).connected
  }).catch(unlessShut)
  if (connected.length === 0) return
  const message = `${connected.join(' ')} It may be the writer, and nothing of it is thrown away while somebody is connected.`
  throw failure('DATABASE_REFUSED', message, { standby: place.entry.name, sessions: connected.length })
}

/** One that lets nobody in has nobody inside. */
function unlessShut(error: unknown): readonly string[] {
  if (error instanceof Failure && SHUT_STATES.includes(String(error.facts.sqlState))) return []
  throw error
}

/** Closed, or closed to all but workers. */
const SHUT_STATES: readonly string[] = [CLOSED_STATE, FULL_STATE]

/** Every database that ever was an old writer bears a mark: what counts is that it is closed still by the switchover that left it, or opened to its own roles by
 *  that or by this operation, and never to applications since. Where both bear marks of each other, writing has moved back since, unless it is the one that is
 *  closed still by its own. `closed`: by what is written beside it; somebody may have opened it all the same. Null: it is none of that. */
async function leftAs(
  deps: ActivityDeps,
  input: Replicating,
  id: Both['id'],
  moved: MovedAway,
): Promise<'closed' | 'kept-out' | null> {
  const place = await placeOf(deps, input, 'standby')
  const keyhole = await enterKeyhole(masterOf(deps, place))
  if (keyhole === null) return null
  try {
    if (await isClosedBy(keyhole, moved.operation, place)) return 'closed'
    const back = await movedAwayFrom(deps, await placeOf(deps, input, 'source'))
    if (back?.writer === id.target) return null
    const keptBy = (operation: OperationId) => isKeptOut(keyhole, { database: place.entry.database, operation })
    return (await keptBy(moved.operation)) || (await keptBy(input.operation)) ? 'kept-out' : null
  } finally {
    await keyhole.close()
  }
}

function openedSince({ source, target }: Both['id'], moved: MovedAway, database: string, against: readonly string[]): Failure {
  const message = `Somebody opened ${target} since ${moved.operation} moved writing to ${source} (${against.join('; ')}): what was written there meanwhile is there alone. Find out what it is and carry it over, then ALTER DATABASE ${quoteIdentifier(database)} CONNECTION LIMIT 0 and have this done again; or "capstan standby reseed ${source} --to ${target}" throws it away.`
  return failure('FENCE_NOT_PROVEN', message, { source, standby: target, against: against.length })
}

async function admitToWriter(deps: ActivityDeps, input: Replicating, { publisher }: DeclaredStandby): Promise<void> {
  const place = await placeOf(deps, input, 'source')
  await inKeyholeOf(deps, place, input.epochs.source, async (on) => {
    assertMayAct()
    await letApplicationsIn(on, place, { stay: [publisher.user], writes: true })
  })
}

/** Of a way back that a switchover was ended amid before writing moved: the standby is the writer still, closed as it was left. */
export async function refuseClosedWriter(
  deps: ActivityDeps,
  input: Replicating,
  { id }: Both,
  switchover: OperationId,
): Promise<void> {
  const { source, target } = id
  if ((await staysClosed(deps, await placeOf(deps, input, 'standby'), switchover)) === null) return
  const message = `${target} is no standby of ${source} yet: ${switchover} closed it, and was ended before writing moved. "capstan standby resume ${target} --to ${source}" lets ${source} follow again.`
  throw failure('DATABASE_REFUSED', message, { source, standby: target, operation: switchover })
}

/** The last part of it, once it follows: what its source gets from elsewhere comes along again. */
export async function followWhole(deps: ActivityDeps, input: Replicating, names: StandbyNames): Promise<void> {
  await onBoth(deps, input, ({ source, standby }) =>
    followAll({
      ...{ source: source.admin, standby: standby.admin, forward: names, operation: input.operation },
      ...{ sourceToken: source.token, standbyToken: standby.token, deadlineMs: ROW_MS, signal: currentAct().signal },
    }),
  ).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'BARRIER_NOT_PASSED') throw error
    throw failure('NOT_READY_YET', error.message, error.facts)
  })
}

async function isClosedBy(keyhole: Session, operation: OperationId, { entry }: Place): Promise<boolean> {
  return (await closedBy(keyhole, operation)).some(({ name }) => name === entry.database)
}

/** Of a switchover that was ended by force before writing moved: a sentence; null: its source is open, or does not say. */
export async function sourceStaysClosed(deps: ActivityDeps, input: Replicating, switchover: OperationId): Promise<string | null> {
  return staysClosed(deps, await placeOf(deps, input, 'source'), switchover)
}

async function staysClosed(deps: ActivityDeps, place: Place, switchover: OperationId): Promise<string | null> {
  try {
    const keyhole = await enterKeyhole(masterOf(deps, place))
    if (keyhole === null) return null
    if (!(await isClosedBy(keyhole, switchover, place).finally(() => keyhole.close()))) return null
    return `${place.entry.name} is closed still, by ${switchover}: "capstan ops show ${switchover} --plan" says how it is opened by hand`
  } catch (error) {
    if (error instanceof Failure) return null
    throw error
  }
}
