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
}
