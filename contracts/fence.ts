/** What closes an instance to every writer, as operations and activities speak of it. How it is done: postgres/fence/. */
import type { InstanceAddress } from './migrate'
import type { StepRef } from './step-ref'

/** What is closed. `instance`: all databases of it but the cloud's own. */
export type FenceScope = 'instance' | { readonly databases: readonly string[] }

/** Which instance, and what of it. */
export interface FenceTarget extends StepRef {
  readonly target: InstanceAddress
  readonly scope: FenceScope
  /** Its master has the password that a takeover gave it. (Either is reached at `target`, whatever host the fleet file gives.) */
  readonly copy: boolean
}

/** What planning found. The whole of it is the ledger's `fence-plan-<instance>`. */
export interface FencePlanSummary {
  /** The epoch to raise the fence with: the lock's, or a higher one where the instance stands behind more. 0 without a lock. */
  readonly epoch: number
  readonly databases: readonly string[]
  /** One line. */
  readonly summary: string
  /** Each a sentence with what to do: raising is refused while one is true. Empty: it can be raised. */
  readonly obstacles: readonly string[]
}

export interface RaisedFenceSummary {
  /** Databases that take no connections now. */
  readonly closed: readonly string[]
  /** Sessions that were ended by this attempt. */
  readonly ended: number
  readonly summary: string
}

/** What was proven of a raised fence. The whole of it is the ledger's `fence-proof-<instance>`. */
export interface FenceProofSummary {
  /** Everything that was ever acknowledged to a client of the closed databases is at or before it, as `16/B374D848`. */
  readonly lsn: string
  readonly summary: string
}

export interface LowerFenceInput extends FenceTarget {
  readonly epoch: number
}

export interface LoweredFenceSummary {
  /** Databases that take connections again. Empty where the fence was never raised. */
  readonly reopened: readonly string[]
  readonly summary: string
}
