/** What is done with a standby that there is: looked at, paused, resumed. */
import { failure } from '../../contracts/failures'
import type { DiskGrowth, ReplicateRequest } from '../../contracts/replicate'
import type { StandbyNames, StandbyRecord, StandbyState } from '../../contracts/standby'
import { sha256Of } from '../../ledger/digest'
import { bytes } from '../../postgres/health/words'
import { standingEpoch } from '../../postgres/migrate/fence'
import { readLines } from '../../postgres/migrate/schema-line'
import { refuseWriters } from '../../postgres/replicate/before-seeding'
import { guardNewTables } from '../../postgres/replicate/guard'
import { readOrigin } from '../../postgres/replicate/seeding'
import { disableSubscription, renewSubscription } from '../../postgres/replicate/subscription'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { epochAbove } from '../schema/epoch'
import { unlessAway } from './away'
import { carryOver, giveLine, learnOfLine, refusePassing } from './carry-over'
import type { Replicating, ReplicationActivities } from './contract'
import { type DiskRoom, diskRoom } from './disk-room'
import { standingInKeyhole } from './keyhole'
import { onSide, placeOf, publisherOf } from './make'
import { change, refuseOtherThan, standing } from './record'
import { type Both, bothOf, looking, opener, replicateOf, type SideName } from './sides'
import { admitOldWriter, followWhole, refuseClosedWriter, refuseWriterAsStandby, sourceStaysClosed } from './turned'

type Told = { readonly summary: string }
type Input = Parameters<ReplicationActivities['examineStandby']>[0]
type Examined = Awaited<ReturnType<ReplicationActivities['examineStandby']>>

export async function examineStandby(deps: ActivityDeps, input: Input): Promise<Examined> {
  const { operation, bundle, sides, locks } = input
  const { id, entries } = await bothOf(deps, bundle)
  const request = replicateOf(await deps.ledger.getBundle(bundle))
  const record = await standing(deps, id)
  if (request.action !== 'remove') refuseOthers(record, sides)
  const above = async (side: SideName): Promise<number> => {
    const address = sides[side]
    if (address === null) return locks?.[side].epoch ?? 0
    const place = { ref: input, entry: entries[side], address }
    const stands = await looking(deps, place, 'migrator', standingEpoch).catch(unlessAway)
    const inKeyhole = await standingInKeyhole(deps, place).catch(unlessAway)
    return epochAbove(deps, operation, locks?.[side] ?? null, Math.max(stands ?? 0, inKeyhole ?? 0))
  }
  const epochs = { source: await above('source'), standby: await above('standby') }
  const { state, names, instances } = record
  const room = await roomForReseed(deps, input, { entries, request, state })
  const grow = room === null || room.grow === null ? {} : { grow: room.grow }
  const warning = room === null || room.warning === null ? {} : { warning: room.warning }
  const digest = sha256Of({ ...id, action: request.action, table: request.table, names, instances, ...grow })
  return { state, epochs, digest, ...grow, ...warning }
}

interface Reseeding extends Pick<Both, 'entries'> {
  readonly request: ReplicateRequest
  readonly state: StandbyState
}

/** Of a standby that is seeded anew whole: the rows that it has make room first. Fails with DATABASE_REFUSED where that is not enough with nothing kept aside;
 *  null: it is not, or nobody knows. */
async function roomForReseed(
  deps: ActivityDeps,
  input: Input,
  { entries, request, state }: Reseeding,
): Promise<{ grow: DiskGrowth | null; warning: string | null } | null> {
  const { disks, sides } = input
  const { declared, action, table } = request
  if (disks === undefined || action !== 'reseed' || table !== null) return null
  const place = (side: SideName) => {
    const address = sides[side]
    return address === null ? null : { ref: input, entry: entries[side], address }
  }
  const [source, standby] = [place('source'), place('standby')]
  if (source === null || standby === null) return null
  const clouds = { source: source.entry.cloud, standby: standby.entry.cloud }
  return looking(deps, source, 'admin', (there) =>
    looking(deps, standby, 'admin', async (here) => {
      const room = await diskRoom({ source: there, standby: here, disks, prepared: true, clouds, declared })
      return { grow: room.grow, warning: weighRoom(standby.entry.name, state, room) }
      // an old writer that is closed still is opened later
    }).catch(unlessAway),
  )
}

/** What a standby holds is a copy that a failover may need: it is not given up for one that cannot fit. The sizes are estimates, so that what may fit is told alone,
 *  and so is one that has nothing left to give up. */
export function weighRoom(
  standby: string,
  state: StandbyState,
  { room, lacking, grow, free }: Pick<DiskRoom, 'room' | 'lacking' | 'grow' | 'free'>,
): string | null {
  const grown = grow === null ? '' : `, made larger to ${grow.toGib} GiB,`
  if (lacking !== null && lacking > 0 && state !== 'to-be-seeded') {
    const message = `The disk of ${standby}${grown} is an estimated ${bytes(lacking)} too small for the source's rows and the log of them, the rows that it has being gone: copying would fill it and stop it. Make it larger, or allow more by growTo of the fleet file; it was left as it is.`
    throw failure('DATABASE_REFUSED', message, { standby })
  }
  if (room !== 'none') return null
  return `its disk${grown} has an estimated ${bytes(free.standby ?? 0)} free beside what it holds, a tenth kept aside: copying may fill it and stop it`
}

/** Instances of the same names may be others. */
function refuseOthers({ source, target, instances }: StandbyRecord, sides: Input['sides']): void {
  const found = { source: sides.source?.instanceId, target: sides.standby?.instanceId }
  if (found.source === instances.source && found.target === instances.target) return
  const which = found.source === instances.source ? target : source
  const message = `The instance of ${which} is another one than the one that the standby was made with: remove the standby, then set it up again.`
  throw failure('TARGET_MISMATCH', message, { source, standby: target })
}

const FOLLOWS: readonly StandbyState[] = ['following', 'late', 'broken', 'copying']

export const RESUMABLE: readonly StandbyState[] = ['paused', ...FOLLOWS]

/** Before it is done: a standby that is disabled by nobody's wish would be told as broken. */
export async function pauseStandby(deps: ActivityDeps, input: Replicating & { by: string }): Promise<Told> {
  const { operation } = input
  const { id, request } = await bothOf(deps, input.bundle)
  const { declared } = request
  await change(deps, id, FOLLOWS, { to: 'paused', reason: `Paused by ${input.by}.`, operation, declared })
  const { names } = await standing(deps, id)
  await onSide(deps, input, 'standby', ({ admin }) => {
    assertMayAct()
    return disableSubscription(admin, { name: names.subscription, signal: currentAct().signal })
  })
  return { summary: `${names.subscription} disabled; ${names.slot} holds the source’s log back` }
}

export async function takeBackPause(deps: ActivityDeps, input: Replicating): Promise<void> {
  const { id } = await bothOf(deps, input.bundle)
  const record = await deps.ledger.getStandby(id)
  if (record?.state === 'paused' && record.operation === input.operation) await letFollow(deps, input)
}

/** Not where it was opened to applications meanwhile, or writing has moved to it. Of what a switchover was ended in amid by force it does the rest, where writing
 *  had moved, and takes nothing back, where it had not. */
export async function resumeStandby(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const both = await bothOf(deps, input.bundle)
  const { state, operation: by, names } = await standing(deps, both.id)
  refuseOtherThan([...RESUMABLE, 'switching'], both.id, state)
  const wasWriter = await admitOldWriter(deps, input, both, { overwrites: false })
  if (!wasWriter && state === 'switching' && by !== null) await refuseClosedWriter(deps, input, both, by)
  await refuseWriterAsStandby(deps, input, both)
  await refuseToBeEmptied(deps, input, both)
  if (state === 'paused' || state === 'broken') await refuseWritersOf(deps, input, both)
  const summary = await followToItsSource(deps, input, both, names)
  if (wasWriter) await followWhole(deps, input, names)
  const closed = state === 'switching' && by !== null ? await sourceStaysClosed(deps, input, by) : null
  return { summary: closed === null ? summary : `${summary}; ${closed}` }
}

/** An old writer that somebody wrote into, and that a reseed was begun with. */
async function refuseToBeEmptied(deps: ActivityDeps, input: Replicating, { id: { source, target } }: Both): Promise<void> {
  const mark = await looking(deps, await placeOf(deps, input, 'standby'), 'migrator', readOrigin)
  if (mark?.state !== 'preparing' || mark.tables !== null) return
  const message = `${target} is to be filled anew by ${mark.operation}: what is in it may not be what ${source} holds. "capstan standby reseed ${source} --to ${target}" does it.`
  throw failure('DATABASE_REFUSED', message, { source, standby: target })
}

/** It is enabled first, since its worker has to come to the line where files are carried over, and waits there by itself. */
async function followToItsSource(deps: ActivityDeps, input: Replicating, both: Both, names: StandbyNames): Promise<string> {
  const places = { source: await placeOf(deps, input, 'source'), standby: await placeOf(deps, input, 'standby') }
  const lines = await looking(deps, places.source, 'migrator', readLines).catch(unlessAway)
  if (lines === null) {
    const { summary } = await letFollow(deps, input)
    return `${summary}; ${both.id.source} does not answer, so that nobody knows whether it has files that are to be carried over: have this done again once it does`
  }
  await giveLine(deps, input, both, names, lines)
  await refusePassing(deps, places.standby, { id: both.id, names, lines })
  const { summary } = await letFollow(deps, input)
  await learnOfLine(deps, input, names)
  const { migrations } = await deps.ledger.getBundle(input.bundle)
  const carried = await carryOver(deps, { id: both.id, places, names, migrations, epoch: input.epochs.standby })
  return `${summary}; ${carried.summary}`
}

/** The ledger says so after it is done, for the same reason. By what is declared now: a password that was changed, or an address. */
async function letFollow(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { operation } = input
  const { id, request } = await bothOf(deps, input.bundle)
  const { names } = await standing(deps, id)
  const publisher = await publisherOf(deps, input)
  const standby = await placeOf(deps, input, 'standby')
  await onSide(deps, input, 'standby', async ({ admin, token }) => {
    const { signal } = currentAct()
    // of an old writer: tables that were made by hand since have none
    await guardNewTables(admin, opener(deps, standby, 'migrator', token), { token, signal })
    assertMayAct()
    const { subscription: name, slot, publication } = names
    return renewSubscription(admin, { name, slot, publication, publisher, signal })
  })
  const from: readonly StandbyState[] = [...RESUMABLE, 'switching']
  await change(deps, id, from, { to: 'following', reason: null, operation, declared: request.declared })
  return { summary: `${names.subscription} enabled, with the connection that is declared` }
}

export async function refuseWritersOf(deps: ActivityDeps, input: Replicating, { entries }: Both): Promise<void> {
  const { admin, migrator } = entries.standby.connections
  await looking(deps, await placeOf(deps, input, 'standby'), 'admin', (session) =>
    refuseWriters(session, [admin.user, migrator.user]),
  )
}
