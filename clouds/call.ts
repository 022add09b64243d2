/** What every port's methods are told: for whom, about which, and whether they may. */
import type { IsoInstant, OperationId } from '../contracts/operation'

/** Who a resource is made for; written to it as tags (labels where the cloud has no tags). */
export interface Owner {
  readonly operation: OperationId
  readonly step: string
  /** When retention may remove it; null: the operation removes it itself. */
  readonly expiresAt: IsoInstant | null
}

export interface CallOptions {
  readonly signal: AbortSignal
}

/** Of a method that changes something. */
export interface ChangeOptions extends CallOptions {
  /** Asked right before each change, after whatever is looked at first. Rejects when the caller can no longer be sure that the work is its
   *  own: no cloud compares a fence, so whoever lost touch has to keep his hands off by himself. */
  readonly mayChange: () => Promise<void>
}

/** A very instance: one that was replaced by another of its name is refused with TARGET_MISMATCH. */
export interface InstanceRef {
  readonly name: string
  readonly instanceId: string
}
