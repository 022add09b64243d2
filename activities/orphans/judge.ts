/** Whether anybody still cares for a temporary instance. Pure. Tags can be written by others and a name can be taken by others: only where both
 *  say the same, and this ledger's record of the operation too, it is ours. In doubt it stays. */
import { ownerOf, PROTECTED_TAG, TOOK_OVER_TAG } from '../../clouds/owner'
import type { InstanceDescription } from '../../clouds/port'
import { FINAL_STATUSES, type IsoInstant, type OperationDocument, temporaryName } from '../../contracts/operation'
import type { CopyStanding } from '../../contracts/orphans'
import type { CloudResource } from '../../ledger/resources'

/** Whoever removes it at its time, its retirement, comes first; and who keeps it longer in that moment is not overtaken. */
const GRACE_MS = 15 * 60_000

/** A tag may name any instant; there is none after it. */
const LAST_INSTANT_MS = 8.64e15

export interface Known {
  /** Null: the ledger has none of that id. */
  readonly operation: Pick<OperationDocument, 'status' | 'finishedAt'> | null
  /** The ledger's record of that very instance. */
  readonly resource: Pick<CloudResource, 'cloud' | 'kind' | 'name' | 'createdAt' | 'expiresAt'> | null
  /** The ledger says that what the operation restored has become production: its tags may not say so yet, or never. */
  readonly tookOver: boolean
}

type Described = Pick<InstanceDescription, 'name' | 'tags' | 'state' | 'deletionProtected'>

export function judgeCopy(found: Described, known: Known, now: IsoInstant): CopyStanding {
  const { operation, resource, tookOver } = known
  const { name, tags, state } = found
  const owner = ownerOf(tags)
  if (tookOver || tags[TOOK_OVER_TAG] !== undefined) return 'took-over'
  if (owner === null || name !== temporaryName(owner.operation, owner.step)) return 'not-ours'
  if (operation === null || resource === null) return 'unknown-operation'
  if (!FINAL_STATUSES.includes(operation.status)) return 'at-work'
  if (state === 'deleting') return 'being-removed'
  if (tags[PROTECTED_TAG] !== undefined || found.deletionProtected) return 'protected'
  const until = keptUntil(found, known)
  return until !== null && Date.parse(until) + GRACE_MS > Date.parse(now) ? 'kept' : 'orphan'
}

/** By its tag, by what was promised, or by the ledger, which hears of it when somebody keeps it longer: whichever is latest. */
export function keptUntil({ tags }: Pick<Described, 'tags'>, known: Omit<Known, 'tookOver'>): IsoInstant | null {
  const byTag = ownerOf(tags)?.expiresAt ?? null
  const instants = [byTag, known.resource?.expiresAt ?? null].filter((one) => one !== null).map((one) => Date.parse(one))
  const untilMs = Math.max(...instants, promisedUntilMs(byTag, known))
  return untilMs === Number.NEGATIVE_INFINITY ? null : new Date(Math.min(untilMs, LAST_INSTANT_MS)).toISOString()
}

/** So many hours from the operation's end on, which the tag could only count from the copy's beginning. The ledger hears of the end from the copy's
 *  retirement, later or never. */
function promisedUntilMs(byTag: IsoInstant | null, { operation, resource }: Omit<Known, 'tookOver'>): number {
  const expiresAt = byTag ?? resource?.expiresAt ?? null
  if (expiresAt === null || resource === null || operation === null || operation.finishedAt === null)
    return Number.NEGATIVE_INFINITY
  return Date.parse(operation.finishedAt) + Date.parse(expiresAt) - Date.parse(resource.createdAt)
}
