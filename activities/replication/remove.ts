/** The end of a standby: subscription, slots, publication, and then the ledger's word. Of a side that is out of reach it is told what stays there, since a
 *  slot that nobody knows holds the log back until the disk is full. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import type { StandbyId, StandbyNames, StandbyRecord } from '../../contracts/standby'
import { quoteIdentifier } from '../../postgres/connect/quote'
import { KEYHOLE } from '../../postgres/fence/keyhole'
import { dropCopyingSlots } from '../../postgres/replicate/copying-slots'
import { dropGuard } from '../../postgres/replicate/guard'
import { forgetOrigin, readOrigin } from '../../postgres/replicate/seeding'
import { dropSubscription } from '../../postgres/replicate/teardown'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { isAway, isLockedOut } from './away'
import type { Reached, Replicating, ReplicationActivities } from './contract'
import { letInWhereKeptOut } from './keyhole'
import { findMade } from './made'
import { dropAtSource, letReadNoMore } from './make'
import { standing } from './record'
import { type BehindFence, behindFence, bothOf, type SideName } from './sides'

/** A side that does not answer is asked again so often before it counts as out of reach: some minutes. */
const ATTEMPTS = 8

/** Seconds, for a worker that was being started to connect, log in and make its slot. */
const LATE_ROUNDS = 10

type Removed = Awaited<ReturnType<ReplicationActivities['removeStandby']>>

export async function removeStandby(deps: ActivityDeps, input: Reached): Promise<Removed> {
  const both = await bothOf(deps, input.bundle)
  const { id } = both
  const before = await deps.ledger.getStandby(id)
  if (before?.state === 'gone' && before.operation === input.operation) return removedBefore(before)
  const record = await standing(deps, id)
  const { names } = record
  const left: Finding[] = []
  const source = await ifReached(deps, input, 'source', async (there) => {
    const standby = await ifReached(deps, input, 'standby', (here) => unfollow(here, record, there))
    await dropAtSource(there, names)
    // one that follows somebody itself keeps it
    if ((await readOrigin(there.migrator)) === null)
      await dropGuard(there.admin, { token: there.token, signal: currentAct().signal })
    if (standby === null) {
      left.push(subscriptionStays(record, both.entries.standby.database))
      await dropLateSlots(there, record)
    }
    await letReadNoMore(deps, there.migrator, both)
    return standby
  })
  if (source === null) {
    const slots = await ifReached(deps, input, 'standby', (here) => unfollow(here, record, null))
    if (slots === null) left.push(subscriptionStays(record, both.entries.standby.database))
    left.push(slotStays(id, names, slots ?? []))
  }
  left.push(...(await openAgain(deps, input, record)))
  await gone(deps, input, id, left)
  const summary = left.length === 0 ? ALL_GONE : left.map(({ message }) => message).join(' ')
  return { summary, findings: left }
}

/** What a copy that was under way leaves on the source of a standby that is out of our reach and not out of its own. Once the slot that follows is gone no
 *  worker is started any more; one that was being started makes its slot after that, and would neither use it nor drop it. */
async function dropLateSlots({ admin }: BehindFence, { look }: StandbyRecord): Promise<void> {
  if (look === null || look.copySlots === null) return
  for (let round = 0; round < LATE_ROUNDS; round++) {
    const { signal } = assertMayAct()
    await dropCopyingSlots(admin, look.copySlots, { signal })
    await sleep(1_000, undefined, { signal })
  }
}

/** Of a standby that was removed its applications may be served again. One that is out of reach keeps them out, and so does one of which a switchover that was
 *  ended by force did not say whether it is the writer. */
async function openAgain(deps: ActivityDeps, input: Reached, record: StandbyRecord): Promise<Finding[]> {
  const address = input.sides.standby
  if (address === null) return []
  if (record.state === 'switching') return [unsettled(record, (await bothOf(deps, input.bundle)).entries.standby.database)]
  const keptOut = await ifReached(deps, input, 'standby', async () => {
    const { entries } = await bothOf(deps, input.bundle)
    return letInWhereKeptOut(deps, { ref: input, entry: entries.standby, address }, input.epochs.standby)
  })
  return keptOut === null ? [] : [{ rule: 'standby:kept-out', message: keptOut }]
}

function unsettled({ source, target, operation }: StandbyRecord, database: string): Finding {
  const message = `${operation ?? 'A switchover'} was moving writing between ${source} and ${target}: look which of both is to be written to. ${whoMayConnect(target, database)}`
  return { rule: 'standby:kept-out', message }
}

/** A repeat of what was done and not yet told. */
function removedBefore({ reason }: StandbyRecord): Removed {
  if (reason === null) return { summary: ALL_GONE, findings: [] }
  return { summary: reason, findings: [{ rule: 'standby:stays', message: reason }] }
}

const ALL_GONE = 'subscription, slot and publication are gone; the rows stay'

/** Resolves to the slots that may be left on a source that is out of reach. */
async function unfollow(
  { admin, migrator, token }: BehindFence,
  { names, ...id }: StandbyRecord,
  source: BehindFence | null,
): Promise<readonly string[]> {
  assertMayAct()
  const left = await dropSubscription(admin, { name: names.subscription, source: source?.admin ?? null })
  assertMayAct()
  await forgetOrigin(migrator, { source: id.source, token })
  await dropGuard(admin, { token, signal: currentAct().signal })
  return left
}

/** Null: it is out of reach. */
async function ifReached<T>(
  deps: ActivityDeps,
  input: Reached,
  side: SideName,
  act: (on: BehindFence) => Promise<T>,
): Promise<T | null> {
  const address = input.sides[side]
  if (address === null) return null
  const { entries } = await bothOf(deps, input.bundle)
  let reached = false
  try {
    return await behindFence(deps, { ref: input, entry: entries[side], address }, input.epochs[side], (on) => {
      reached = true
      return act(on)
    })
  } catch (error) {
    // one that was reached, and lost amid it, is tried again
    if (reached || !(error instanceof Failure)) throw error
    if (isLockedOut(error)) return null
    if (!isAway(error) || currentAct().attempt < ATTEMPTS) throw error
    return null
  }
}

function slotStays({ source }: StandbyId, { slot, publication }: StandbyNames, copying: readonly string[]): Finding {
  const drops = [slot, ...copying].map((name) => `SELECT pg_drop_replication_slot('${name}');`).join(' ')
  const message = `${source} is out of reach, or has no such database any more: if it comes back, its slot ${slot} holds its log back until the disk is full. Then, in its database: ${drops} DROP PUBLICATION ${quoteIdentifier(publication)};`
  return { rule: 'standby:slot-stays', message }
}

function subscriptionStays({ source, target, names, look }: StandbyRecord, database: string): Finding {
  const name = quoteIdentifier(names.subscription)
  const copying = look?.copySlots ?? null
  const late = copying === null ? '' : ` ${slotsToLookFor(source, copying)}`
  const message = `${target} is out of reach, or has no such database any more: if it comes back, its subscription asks for a slot that is gone, over and over. Then, in its database: ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ${name} SET (slot_name = NONE); DROP SUBSCRIPTION ${name}; ${whoMayConnect(target, database)}${late}`
  return { rule: 'standby:subscription-stays', message }
}

function whoMayConnect(target: string, database: string): string {
  return `Applications are kept out of ${target} until somebody lets them in: as its master, in the database ${KEYHOLE}, where there is one: SELECT grants FROM capstan.kept_out; then GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO each of them (role null: PUBLIC).`
}

function slotsToLookFor(source: string, pattern: string): string {
  return `And look on ${source} for slots of tables that were being copied, which hold its log back: SELECT slot_name FROM pg_replication_slots WHERE slot_name ~ '${pattern}';`
}

/** Whatever the watch made of it meanwhile: a slot that is gone is told, before it is known that the standby is too. */
export async function gone(
  deps: ActivityDeps,
  { operation }: Pick<Replicating, 'operation'>,
  id: StandbyId,
  left: readonly Finding[],
): Promise<void> {
  const reason = left.length === 0 ? null : left.map(({ message }) => message).join(' ')
  for (;;) {
    const record = await deps.ledger.getStandby(id)
    if (record === null || record.state === 'gone') return
    assertMayAct()
    try {
      await deps.ledger.changeStandby({ ...id, from: record.state, to: 'gone', reason, operation, at: new Date().toISOString() })
      return
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'STANDBY_CHANGED') throw error
    }
  }
}

/** The undo of what was begun by this operation: the ledger says that there is none. */
export async function discardRecord(deps: ActivityDeps, input: Replicating): Promise<void> {
  const { id } = await bothOf(deps, input.bundle)
  const record = await deps.ledger.getStandby(id)
  if (record !== null && (await findMade(deps, input.operation)) !== null) await gone(deps, input, id, [])
}
