/** What every activity of an operation is told: whose step it is. Types only: `contract.ts` files import it. */
import type { OperationId, Sha256 } from './operation'

/** What is looked into. */
export interface LookedInto {
  /** The instance itself, and no copy: its master has the password that the fleet file names. */
  readonly inPlace?: true
}

export interface StepRef {
  readonly operation: OperationId
  /** The step's id; with the operation's id it is the idempotency key of whatever the activity makes. */
  readonly step: string
  /** The bundle in the ledger: the migrations and the database's resolved fleet entry. */
  readonly bundle: Sha256
}
