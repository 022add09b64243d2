import type { Cloud } from '../../contracts/fleet'
import type {
  FailureRecord,
  IsoInstant,
  OperationId,
  OperationStatus,
  Sha256,
  StepRecord,
  Verdict,
} from '../../contracts/operation'

/** `recordStep` and `recordStatus` are short and idempotent: they run as local activities. */
export interface LedgerActivities {
  recordStep(input: { operation: OperationId; sequence: number; record: StepRecord }): Promise<void>
  recordStatus(input: {
    operation: OperationId
    status: OperationStatus
    verdict?: Verdict | null
    failure?: FailureRecord | null
    planDigest?: Sha256
    finishedAt?: IsoInstant
  }): Promise<void>
  /** Writes what the operation did, found and ended with as one document, and returns its digest. Safe to repeat. */
  writeEvidence(input: {
    operation: OperationId
    step: string
    at: IsoInstant
    status: OperationStatus
    verdict: Verdict | null
    failure: FailureRecord | null
  }): Promise<{ digest: Sha256 }>
  /** Polls once; NOT_READY_YET until the operation has ended. One on which nobody works any more, whatever the
   *  ledger says, or that it does not know, has ended now. */
  awaitOperationEnd(input: { operation: OperationId; step: string }): Promise<{ endedAt: IsoInstant }>
  /** Until when an instance that the operation made is kept. Safe to repeat, and when none was made. */
  recordExpiry(input: { operation: OperationId; step: string; name: string; expiresAt: IsoInstant }): Promise<void>
  /** Until when an instance that the operation replaced is kept; null: for good, and nobody is reminded of it. `gone`: it is there no more. Safe to
   *  repeat. */
  recordReplaced(input: {
    operation: OperationId
    step: string
    cloud: Cloud
    name: string
    until: IsoInstant | null
    /** Who said so; null: the operation. */
    by: string | null
    gone: boolean
  }): Promise<void>
}
