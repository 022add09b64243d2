/** The end of a standby, in this order: the subscription, what its copying workers left on the source, the slot, the publication. The subscription never
 *  drops its slot by itself: whether the source can be reached or not, the same statements run, so that there is one way and not two, of which one is never
 *  tried. Killed between any two of them and repeated, nothing of ours stays. */

import { failure } from '../../contracts/failures'
import type { StandbyNames } from '../../contracts/standby'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { behindFence, type Guarded } from './behind-fence'
import { copyingSlotsOf, dropCopyingSlots } from './copying-slots'
import { dropPublication } from './publication'
import { dropSlot } from './slot'
import { disableSubscription, findSubscription } from './subscription'

export interface DropSubscriptionInput {
  readonly name: string
  /** Null: it is out of reach. */
  readonly source: Session | null
  /** Of the standby's database. */
  readonly standbyGuard?: Guarded
  /** Of the source's. */
  readonly sourceGuard?: Guarded
  readonly waitMs?: number
}

/** Resolves to the slots on the source that may be left because it was out of reach: of tables that were not copied yet. Gone already is fine. Throws
 *  RESOURCE_NOT_OURS for another role's, NOT_READY_YET. */
export async function dropSubscription(standby: Session, input: DropSubscriptionInput): Promise<readonly string[]> {
  const { name, source, standbyGuard = {}, sourceGuard = {}, waitMs } = input
  const found = await findSubscription(standby, name)
  if (found === null) return []
  const { host, database } = standby.endpoint
  if (!found.own) {
    const message = `The subscription ${name} in ${database} on ${host} belongs to another role: drop it as that one.`
    throw failure('RESOURCE_NOT_OURS', message, { host, database, subscription: name })
  }
  await disableSubscription(standby, { ...standbyGuard, name, waitMs })
  // before the subscription, whose oid is in their names
  const left = await copyingSlotsOf(standby, found.oid)
  if (source !== null) await dropCopyingSlots(source, left.pattern, { ...sourceGuard, waitMs })
  await behindFence(standby, standbyGuard, 'it has to own the subscription', async () => {
    await standby.execute(`ALTER SUBSCRIPTION ${quoteIdentifier(name)} SET (slot_name = NONE)`)
    await standby.execute(`DROP SUBSCRIPTION IF EXISTS ${quoteIdentifier(name)}`)
  })
  return source === null ? left.names : []
}

export interface RemoveStandbyInput {
  readonly names: StandbyNames
  /** Null: out of reach. What stays there is told. */
  readonly standby: Session | null
  readonly source: Session | null
  /** As `ensureSubscription` told; without it what the copying of a standby out of reach left on the source is not found. */
  readonly copyingSlots?: string | undefined
  readonly standbyGuard?: Guarded
  readonly sourceGuard?: Guarded
  readonly waitMs?: number
}

/** What stays because a side was out of reach, by name. */
export interface StandbyRemains {
  readonly subscription: string | null
  readonly slots: readonly string[]
  readonly publication: string | null
}

/** All of it, as far as it can be reached. Safe to repeat; what stayed goes by a repeat once its side is there. */
export async function removeStandby(input: RemoveStandbyInput): Promise<StandbyRemains> {
  const { names, standby, source, copyingSlots, sourceGuard = {}, waitMs } = input
  const copying = standby === null ? [] : await dropSubscription(standby, { ...input, name: names.subscription, source })
  if (source !== null) {
    if (standby === null && copyingSlots !== undefined) await dropCopyingSlots(source, copyingSlots, { ...sourceGuard, waitMs })
    await dropSlot(source, { ...sourceGuard, name: names.slot, waitMs })
    await dropPublication(source, { ...sourceGuard, name: names.publication })
  }
  return {
    subscription: standby === null ? names.subscription : null,
    slots: source === null ? [names.slot, ...copying] : [],
    publication: source === null ? names.publication : null,
  }
}
