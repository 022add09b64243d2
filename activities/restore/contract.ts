import type { RestorePlanSummary } from '../../contracts/restore'
import type { RestorePoint } from '../../contracts/restore-point'
import type { StepRef } from '../../contracts/step-ref'

export interface RestoreActivities {
  /** Whether the point can be restored, and as what; written into the ledger. Changes nothing in the cloud. Refuses with SNAPSHOT_NOT_FOUND,
   *  MOMENT_OUT_OF_REACH (naming the window), TARGET_MISMATCH for a snapshot of another instance, ACCOUNT_MISMATCH, and CANARY_NOT_INERT where a copy runs before it
   *  is inert and nobody vouches for that moment. */
  planRestore(
    input: StepRef & { copyStep: string; point: RestorePoint; keepHours: number; wasDormant: boolean },
  ): Promise<RestorePlanSummary>
}
