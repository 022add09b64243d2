/** What an operation makes on both sides, by name: in the ledger before anything of it is made, so that nothing is ever nobody's. */
import type { OperationId } from '../../contracts/operation'
import { REPLICATE_DOCUMENTS } from '../../contracts/replicate'
import type { StandbyId, StandbyNames } from '../../contracts/standby'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'

export interface MadeDocument extends StandbyId {
  readonly version: 1
  readonly names: StandbyNames
  /** By `schema.table`, quoted as PostgreSQL reads it. */
  readonly tables: readonly string[]
  /** Another operation, which the ledger says left it half made: the rows under its mark are ours. Absent, or null: none did. */
  readonly takesOver?: OperationId | null
}

type Deps = Pick<ActivityDeps, 'ledger'>

/** The first one holds: a repeat makes what the first attempt said. */
export async function writeMade({ ledger }: Deps, operation: OperationId, document: MadeDocument): Promise<MadeDocument> {
  assertMayAct()
  return (await ledger.putDocumentOnce({ operation, name: REPLICATE_DOCUMENTS.made, document })) as MadeDocument
}

/** Null: it has not come that far. */
export async function findMade({ ledger }: Deps, operation: OperationId): Promise<MadeDocument | null> {
  return (await ledger.getDocument({ operation, name: REPLICATE_DOCUMENTS.made })) as MadeDocument | null
}

export async function madeBy(deps: Deps, operation: OperationId): Promise<MadeDocument> {
  const made = await findMade(deps, operation)
  if (made === null) throw new Error(`operation ${operation} has not said what it makes`)
  return made
}
