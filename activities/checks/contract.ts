import type { CheckSummary, InstanceAddress } from '../../contracts/migrate'
import type { LookedInto, StepRef } from '../../contracts/step-ref'

export interface CheckActivities {
  /** Runs the declared checks on the migrated canary. */
  checkCanary(input: StepRef & { canary: InstanceAddress }): Promise<CheckSummary>
  /** Runs the declared checks on a restored copy, whose tables may have any number of rows: as the migrator with its password of that moment or,
   *  if that was another one, as the master. */
  checkCopy(input: StepRef & LookedInto & { copy: InstanceAddress }): Promise<CheckSummary>
  /** Counts the rows of the instance now, as far as it can be asked, beside those that `checkCopy` counted. `source` null: it is down. */
  rowsSince(input: StepRef & { source: InstanceAddress | null }): Promise<{ summary: string }>
  /** The target's fingerprint equals the canary's, and the declared checks hold. */
  verifyTarget(input: StepRef & { target: InstanceAddress }): Promise<CheckSummary>
  /** Repeats the checks on the target each second for the declared time; ends at the first finding. */
  bake(input: StepRef & { target: InstanceAddress; seconds: number }): Promise<CheckSummary>
}
