/** What is done with a standby that there is: paused, resumed, its rows given up. */
import { Failure, failure } from '../../contracts/failures'
import type { StandbyNames, StandbyRecord, StandbyState } from '../../contracts/standby'
import { sha256Of } from '../../ledger/digest'
import type { Session } from '../../postgres/connect/session'
import { standingEpoch } from '../../postgres/migrate/fence'
import { recopyTables } from '../../postgres/replicate/recopy'
import { startReseeding } from '../../postgres/replicate/seeding'
import { dropSlot } from '../../postgres/replicate/slot'
import { disableSubscription, enableSubscription } from '../../postgres/replicate/subscription'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { epochAbove } from '../schema/epoch'
import type { Replicating, ReplicationActivities } from './contract'
import { findMade, writeMade } from './made'
import { OWN_TABLES, onBoth, onSide, placeOf } from './make'
import { publishedTables } from './published'
import { change, refuseOtherThan, standing } from './record'
import { type BehindFence, bothOf, looking, replicateOf, type SideName } from './sides'

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
    const stands = await looking(deps, { ref: input, entry: entries[side], address }, 'migrator', standingEpoch).catch(unlessAway)
    return epochAbove(deps, operation, locks?.[side] ?? null, stands ?? 0)
  }
  const epochs = { source: await above('source'), standby: await above('standby') }
  const { state, names, instances } = record
  const digest = sha256Of({ ...id, action: request.action, table: request.table, names, instances })
  return { state, epochs, digest }
}

/** Instances of the same names may be others. */
function refuseOthers({ source, target, instances }: StandbyRecord, sides: Input['sides']): void {
  const found = { source: sides.source?.instanceId, target: sides.standby?.instanceId }
  if (found.source === instances.source && found.target === instances.target) return
  const which = found.source === instances.source ? target : source
  const message = `The instance of ${which} is another one than the one that the standby was made with: remove the standby, then set it up again.`
  throw failure('TARGET_MISMATCH', message, { source, standby: target })
}

/** Null: it is out of reach. */
function unlessAway(error: unknown): null {
  if (error instanceof Failure && AWAY.includes(error.code)) return null
  throw error
}

const AWAY: readonly string[] = ['DATABASE_UNREACHABLE', 'CONNECTION_LOST']

const FOLLOWS: readonly StandbyState[] = ['following', 'late', 'broken', 'copying']

const RESUMABLE: readonly StandbyState[] = ['paused', ...FOLLOWS]

/** Before it is done: a standby that is disabled by nobody's wish would be told as broken. */
export async function pauseStandby(deps: ActivityDeps, input: Replicating & { by: string }): Promise<Told> {
  const { operation } = input
  const { id } = await bothOf(deps, input.bundle)
  await change(deps, id, FOLLOWS, { to: 'paused', reason: `Paused by ${input.by}.`, operation })
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
  if (record?.state === 'paused' && record.operation === input.operation) await resumeStandby(deps, input)
}

/** After it is done, for the same reason. */
export async function resumeStandby(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { operation } = input
  const { id } = await bothOf(deps, input.bundle)
  const { names, state } = await standing(deps, id)
  refuseOtherThan(RESUMABLE, id, state)
  await onSide(deps, input, 'standby', ({ admin }) => {
    assertMayAct()
    return enableSubscription(admin, { name: names.subscription, signal: currentAct().signal })
  })
  await change(deps, id, RESUMABLE, { to: 'following', reason: null, operation })
  return { summary: `${names.subscription} enabled` }
}

/** What it has is given up, of one table or of all: the ledger says so first. Of all: nothing reads the source's log any more and nothing holds it back. Of
 *  one: it is emptied, and its copying begins anew while the others go on. */
export async function stopFollowing(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { operation } = input
  const { id } = await bothOf(deps, input.bundle)
  const request = replicateOf(await deps.ledger.getBundle(input.bundle))
  const { names, state } = await standing(deps, id)
  const only = request.table === null ? null : [request.table]
  const from: readonly StandbyState[] = only === null ? [...RESUMABLE, 'to-be-seeded', 'building'] : ['following', 'late']
  refuseOtherThan([...from, 'building'], id, state)
  const made = await findMade(deps, operation)
  const tables =
    made?.tables ??
    (await looking(deps, await placeOf(deps, input, 'source'), 'migrator', (session) => publishedOf(session, names, only)))
  await writeMade(deps, operation, { version: 1, ...id, names, tables })
  await change(deps, id, from, { to: 'building', reason: `${operation} seeds ${request.table ?? 'it'} anew.`, operation })
  await onBoth(deps, input, async ({ source, standby }) => {
    if (only === null) await forgetAll({ source, standby }, names)
    assertMayAct()
    const { token } = standby
    await startReseeding(standby.migrator, { token, source: id.source, operation, tables: only })
    if (only === null) return
    assertMayAct()
    await recopyTables({
      ...{ from: id.source, names, tables: only, published: [...tables, ...OWN_TABLES], viaPartitionRoot: true },
      ...{ source: source.migrator, subscriber: standby.admin, owner: standby.migrator },
    })
  })
  return { summary: `${request.table ?? `${tables.length} tables`} of ${request.standby.name} to be copied anew` }
}

/** The publication stays: it says what there is to copy. */
async function forgetAll({ source, standby }: Readonly<Record<SideName, BehindFence>>, names: StandbyNames): Promise<void> {
  await dropSubscription(standby.admin, { name: names.subscription, source: source.admin })
  await dropSlot(source.admin, { name: names.slot, signal: currentAct().signal })
}

/** All but our own, and one that is to be copied and was made after the publication. */
async function publishedOf(source: Session, names: StandbyNames, only: readonly string[] | null): Promise<string[]> {
  const { published, missing } = await publishedTables(source, names)
  const unknown = only?.find((table) => !published.includes(table) && !missing.includes(table))
  if (unknown !== undefined) {
    const shown = `${published.slice(0, 10).join(', ')}${published.length > 10 ? ' and others' : ''}`
    const message = `--table is ${unknown}, which is no table of the source that could be published; it publishes ${shown}.`
    throw failure('OPTION_INVALID', message, { option: 'table' })
  }
  if (published.length > 0) return [...new Set([...published, ...(only ?? [])])]
  const { publication } = names
  const message = `The source publishes nothing as ${publication} any more: remove the standby, then set it up again.`
  throw failure('DATABASE_REFUSED', message, { publication })
}

/** The undo of `stopFollowing`: what was begun anew was not finished. */
export async function leaveToBeSeeded(deps: ActivityDeps, input: Replicating): Promise<void> {
  const { operation } = input
  const { id } = await bothOf(deps, input.bundle)
  const record = await deps.ledger.getStandby(id)
  if (record?.state !== 'building' || record.operation !== operation) return
  await change(deps, id, ['building'], { to: 'to-be-seeded', reason: `${operation} did not finish seeding it.`, operation })
}
