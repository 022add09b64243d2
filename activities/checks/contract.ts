import type { CheckSummary, InstanceAddress } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'

export interface CheckActivities {
  /** Runs the declared checks on the migrated canary. */
  checkCanary(input: StepRef & { canary: InstanceAddress }): Promise<CheckSummary>
  /** The target's fingerprint equals the canary's, and the declared checks hold. */
  verifyTarget(input: StepRef & { target: InstanceAddress }): Promise<CheckSummary>
  /** Repeats the checks on the target each second for the declared time; ends at the first finding. */
  bake(input: StepRef & { target: InstanceAddress; seconds: number }): Promise<CheckSummary>
}
