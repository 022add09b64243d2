/** Whether anybody still cares for a temporary instance. Pure. Tags can be written by others and a name can be taken by others: only where both
 *  say the same, and this ledger's record of the operation too, it is ours. A ledger may be older than what happened: the fleet file and Temporal
 *  are heard too. In doubt it stays. docs/decisions/0026 has what each guards from. */
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
  /** The fleet file names it as a database's instance. */
  readonly named: boolean
  /** What of it Temporal runs, whatever the ledger says: an operation that was reset works again, and until when a copy is kept its retirement
   *  knows before the ledger does. Null: nothing, or nobody asked yet. */
  readonly alive: 'operation' | 'retirement' | null
}

type Recorded = Pick<Known, 'operation' | 'resource'>
type Described = Pick<InstanceDescription, 'name' | 'tags' | 'state' | 'deletionProtected'>

export function judgeCopy(found: Described, known: Known, now: IsoInstant): CopyStanding {
  const { operation, resource, tookOver, named, alive } = known
  const { name, tags, state } = found
  const owner = ownerOf(tags)
  if (tookOver || tags[TOOK_OVER_TAG] !== undefined) return 'took-over'
  if (named) return 'in-use'
  const isProtected = tags[PROTECTED_TAG] !== undefined || found.deletionProtected
  // Whose it is does not matter where somebody has said that it stays.
  if (owner === null || name !== temporaryName(owner.operation, owner.step)) return isProtected ? 'protected' : 'not-ours'
  if (operation === null || resource === null) return isProtected ? 'protected' : 'unknown-operation'
  if (!FINAL_STATUSES.includes(operation.status) || alive === 'operation') return 'at-work'
  if (state === 'deleting') return 'being-removed'
  if (isProtected) return 'protected'
  const until = keptUntil(found, known)
  const isKept = until !== null && Date.parse(until) + GRACE_MS > Date.parse(now)
  return isKept || alive === 'retirement' ? 'kept' : 'orphan'
}

/** By its tag, by what was promised, or by the ledger, which hears of it when somebody keeps it longer: whichever is latest. */
export function keptUntil({ tags }: Pick<Described, 'tags'>, known: Recorded): IsoInstant | null {
  const byTag = ownerOf(tags)?.expiresAt ?? null
  const instants = [byTag, known.resource?.expiresAt ?? null].filter((one) => one !== null).map((one) => Date.parse(one))
  const untilMs = Math.max(...instants, promisedUntilMs(byTag, known))
  return untilMs === Number.NEGATIVE_INFINITY ? null : new Date(Math.min(untilMs, LAST_INSTANT_MS)).toISOString()
}

/** So many hours from the operation's end on, which the tag could only count from the copy's beginning. The ledger hears of the end from the copy's
 *  retirement, later or never. */
function promisedUntilMs(byTag: IsoInstant | null, { operation, resource }: Recorded): number {
  const expiresAt = byTag ?? resource?.expiresAt ?? null
  if (expiresAt === null || resource === null || operation === null || operation.finishedAt === null)
    return Number.NEGATIVE_INFINITY
  return Date.parse(operation.finishedAt) + Date.parse(expiresAt) - Date.parse(resource.createdAt)
}
