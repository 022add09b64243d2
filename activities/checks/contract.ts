import type { CheckSummary } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'

export interface CheckActivities {
  /** Runs the declared checks on the migrated canary. */
  checkCanary(input: StepRef & { instance: string }): Promise<CheckSummary>
  /** The target's fingerprint equals the canary's, and the declared checks hold. */
  verifyTarget(input: StepRef): Promise<CheckSummary>
  /** Repeats the checks on the target each second for the declared time; ends at the first finding. */
  bake(input: StepRef & { seconds: number }): Promise<CheckSummary>
}
