/** An old writer that becomes a standby: its fence, a cloud's or that of its own database, is turned into what keeps applications out of every standby, without a moment at which one of
 *  them comes in. The cloud's networks stay closed all the while. docs/decisions/0032, 0036. */
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { REBUILD_DOCUMENTS } from '../../contracts/rebuild'
import type { Session } from '../../postgres/connect/session'
import { openDatabases } from '../../postgres/fence/lower'
import { readMovedAway, recordMovedAway } from '../../postgres/fence/moved-away'
import { closeDatabases, closedBy } from '../../postgres/fence/raise'
import { NOBODY } from '../../postgres/fence/workers-only'
import { standingEpoch } from '../../postgres/migrate/fence'
import { guardNewTables, prepareGuard, raiseGuard } from '../../postgres/replicate/guard'
import { notKeptOut } from '../../postgres/replicate/keep-out'
import { standbyNames } from '../../postgres/replicate/names'
import { markToBeEmptied, readOrigin } from '../../postgres/replicate/seeding'
import { findSubscription } from '../../postgres/replicate/subscription'
import { shownList } from '../../postgres/replicate/tables'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { placeOf as fencePlace } from '../instance-fence/place'
import { epochAbove } from '../schema/epoch'
import type { Rebuilding } from './contract'
import { refuseSharedFence } from './given-up'
import { type InKeyhole, inKeyholeOf, keepApplicationsOut, namesKept, standingInKeyhole } from './keyhole'
import { dropAtSource } from './make'
import { type Both, behindFence, bothOf, looking, opener, type Place } from './sides'

const EMPTYING_MS = 30_000

/** Through the keyhole first, where a closed database is reached as well; then in the database, as its own roles. */
export async function admitGivenUp(deps: ActivityDeps, input: Rebuilding): Promise<{ summary: string }> {
  const { both, place } = await placeOfOld(deps, input)
  const stillIn = await inKeyholeOf(deps, place, await epochInKeyhole(deps, input, place), (on) =>
    leaveToOwnRoles(deps, on, input, both, place),
  )
  const { id } = both
  const { operation, lock } = input
  const stands = await looking(deps, place, 'migrator', standingEpoch)
  const epoch = await epochAbove(deps, operation, lock, Math.max(stands, await standingInKeyhole(deps, place)))
  const unguarded = await behindFence(deps, place, epoch, async (on) => {
    const { migrator, admin, token } = on
    const { signal } = currentAct()
    const mark = await readOrigin(migrator)
    if (mark !== null && mark.source !== id.source) throw followsAnother(id.target, mark.source)
    await markToBeEmptied(migrator, { source: id.source, operation, token, signal })
    await prepareGuard(migrator, { token, signal })
    assertMayAct()
    const left = await raiseGuard(admin, { token, signal })
    // of another time: it would count its tables as copied
    await dropSubscription(admin, { name: standbyNames(id).subscription, source: null })
    await dropAtSource(on, standbyNames({ source: id.target, target: id.source }))
    return left
  })
  const others = stillIn.length === 0 ? '' : `, and so may ${stillIn.join(', ')}`
  return { summary: `only its own roles may connect${others}; ${guarded(unguarded)}` }
}

function guarded(left: readonly string[] | null): string {
  if (left === null) return 'no guard is possible there'
  return left.length === 0 ? 'each table has its guard' : `no guard was to be had for ${shownList(left)}`
}

/** Resolves to roles that come in all the same. Each half is one transaction, so that a death leaves it closed, or open to its own roles alone. */
async function leaveToOwnRoles(
  deps: ActivityDeps,
  on: InKeyhole,
  { operation, writer }: Rebuilding,
  { id, request }: Both,
  place: Place,
): Promise<readonly string[]> {
  const { session, token, connectTo } = on
  const { signal } = currentAct()
  const { givenUpBy, fence } = writer
  const { database } = place.entry
  const ofMove = { ...place, ref: { ...place.ref, operation: givenUpBy } }
  const isShut = await isShutBy(session, database, givenUpBy)
  const isMarked = (await readMovedAway(session, database))?.operation === givenUpBy
  const publisher = request.declared.wayBack?.user ?? null
  const open = isMarked
    ? await notKeptOut(session, { database, keep: namesKept(place.entry, publisher) })
    : [`${database} is open`]
  const isLeft = isMarked && open.length === 0
  // what its cloud keeps closed nobody has come into; else somebody may write there
  if (fence === null && !isShut && !isLeft) throw openedSince(id.target, givenUpBy, open)
  assertMayAct()
  await deps.ledger.putDocumentOnce({ operation, name: REBUILD_DOCUMENTS.admitted, document: { version: 1 } })
  if (!isShut && !isLeft)
    await closeDatabases(session, {
      ...{ connectTo, scope: { databases: [database] }, operation: givenUpBy, token, waitMs: EMPTYING_MS, signal },
      beforeChange: async () => void assertMayAct(),
    })
  if (!isLeft) await recordMovedAway(session, { operation: givenUpBy, writer: id.source, database, token })
  const { stillIn } = await keepApplicationsOut(on, ofMove, publisher)
  assertMayAct()
  await openDatabases(session, { raisedBy: givenUpBy, token, signal })
  return stillIn
}

/** Nobody comes in, and it is that operation's doing. */
async function isShutBy(session: Session, database: string, operation: OperationId): Promise<boolean> {
  if (!(await closedBy(session, operation)).some(({ name }) => name === database)) return false
  const [row] = await session.query<{ shut: boolean }>(
    `SELECT NOT d.datallowconn OR d.datconnlimit = ${NOBODY} AS shut FROM pg_catalog.pg_database d WHERE d.datname = $1`,
    [database],
  )
  return row?.shut === true
}

function openedSince(old: string, by: OperationId, open: readonly string[]) {
  const message = `${old} is not closed by ${by} any more (${open.join('; ')}): somebody has opened it, and what was written there since is there alone. Find out what it is ("capstan verify diff"), and close it again as its master, in the database capstan_fence on its instance: ALTER DATABASE … ALLOW_CONNECTIONS false; then have this done again.`
  return failure('FENCE_NOT_PROVEN', message, { database: old, operation: by })
}

function followsAnother(old: string, source: string) {
  const message = `${old} follows ${source} by its own mark: it is not emptied for another one. "capstan standby remove ${source} --to ${old}" first, where that is over.`
  return failure('DATABASE_REFUSED', message, { standby: old, source })
}

/** Before this operation closed or marked anything there is nothing to close: it is as the failover, or a person, has left it. */
export async function shutGivenUp(deps: ActivityDeps, input: Rebuilding): Promise<void> {
  if ((await deps.ledger.getDocument({ operation: input.operation, name: REBUILD_DOCUMENTS.admitted })) === null) return
  const { place } = await placeOfOld(deps, input)
  const { givenUpBy } = input.writer
  const { database } = place.entry
  await inKeyholeOf(deps, place, await epochInKeyhole(deps, input, place), async ({ session, token, connectTo }) => {
    const { signal } = currentAct()
    if ((await readMovedAway(session, database))?.operation !== givenUpBy) return
    if (await isShutBy(session, database, givenUpBy)) return
    await closeDatabases(session, {
      ...{ connectTo, scope: { databases: [database] }, operation: givenUpBy, token, waitMs: EMPTYING_MS, signal },
      beforeChange: async () => void assertMayAct(),
    })
  })
}

export async function proveShut(deps: ActivityDeps, input: Rebuilding): Promise<void> {
  const { both, place } = await placeOfOld(deps, input)
  const { id, request } = both
  const { entry } = place
  const { operation, lock } = input
  const stands = await looking(deps, place, 'migrator', standingEpoch)
  const epoch = await epochAbove(deps, operation, lock, Math.max(stands, await standingInKeyhole(deps, place)))
  const held = await deps.ledger.getFence(fencePlace(entry, place.address))
  if (held !== null) await refuseSharedFence(deps.ledger, { held, old: id.target, beside: [] })
  const keep = namesKept(entry, request.declared.wayBack?.user ?? null)
  const open = await inKeyholeOf(deps, place, epoch, ({ session }) => notKeptOut(session, { database: entry.database, keep }))
  const against = await behindFence(deps, place, epoch, async ({ admin, token }) => {
    const left = await guardNewTables(admin, opener(deps, place, 'migrator', token), { token, signal: currentAct().signal })
    const followed = await findSubscription(admin, standbyNames(id).subscription)
    return [
      ...open,
      ...(followed?.enabled === true ? [] : [`${id.target} does not follow ${id.source}`]),
      ...(left?.length === 0 ? [] : [`${guarded(left)}: "capstan standby resume ${id.source} --to ${id.target}" puts it there`]),
    ]
  })
  if (against.length === 0) return
  const message = `${id.target} stays closed by its cloud: ${against.join('; ')}. Mend that, then "capstan fence lift ${id.target} --yes --writer ${id.source} --reason …".`
  throw failure('FENCE_NOT_PROVEN', message, { database: id.target, against: against.length })
}

async function placeOfOld(deps: ActivityDeps, input: Rebuilding): Promise<{ both: Both; place: Place }> {
  const both = await bothOf(deps, input.bundle)
  const { old, writer } = input
  if (old.instanceId !== writer.instanceId) {
    const message = `${old.instance} is another instance than the one that ${writer.givenUpBy} gave up: nothing of it is emptied.`
    throw failure('TARGET_MISMATCH', message, { instance: old.instance, operation: writer.givenUpBy })
  }
  return { both, place: { ref: input, entry: both.entries.standby, address: old } }
}

async function epochInKeyhole(deps: ActivityDeps, { operation, lock }: Rebuilding, place: Place): Promise<number> {
  return epochAbove(deps, operation, lock, await standingInKeyhole(deps, place))
}
