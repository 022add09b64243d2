/** An operation by its id; one that is not there with the one that may have been meant. */
import { failure } from '../contracts/failures'
import type { OperationDocument, OperationId } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import { editDistance } from './fleet/suggest'

/** Nobody mistypes the id of an operation that is older than so many others. */
const LOOKED_THROUGH = 500
/** Ids of one database differ in six characters: more than two of them are another operation. */
const MISTYPED_MAX = 2
/** Shorter than this a part of an id is in many. */
const PART_MIN = 4

/** The operation as the ledger holds it. Fails with OPERATION_UNKNOWN. */
export async function findOperation(ledger: Ledger, id: OperationId): Promise<OperationDocument> {
  const document = await ledger.getOperation(id)
  if (document !== null) return document
  const meant = meantBy(id, await ledger.listOperationIds({ limit: LOOKED_THROUGH }))
  const hint = meant === null ? '"capstan ops list" shows those it holds.' : `did you mean ${meant}?`
  throw failure('OPERATION_UNKNOWN', `The ledger holds no operation ${id}; ${hint}`, { operation: id, meant })
}

/** The newest that differs by a slip of the finger, or the only one that the id is a part of. */
export function meantBy(id: string, known: readonly OperationId[]): OperationId | null {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(id, candidate) }))
    .filter(({ distance }) => distance <= MISTYPED_MAX)
    .sort((a, b) => a.distance - b.distance)
  if (near[0] !== undefined) return near[0].candidate
  const whole = id.length < PART_MIN ? [] : known.filter((candidate) => candidate.startsWith(id) || candidate.endsWith(id))
  return whole.length === 1 ? (whole[0] ?? null) : null
}
