import type { InstanceAddress } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'

export interface InstanceActivities {
  /** Where the target answers; NOT_READY_YET while it is changing. */
  describeTarget(input: StepRef): Promise<InstanceAddress>
  /** Starts restoring the snapshot as an inert canary, `cap-<operation>-<step>`. Safe to repeat: adopts its own. */
  startCanary(input: StepRef & { snapshot: string }): Promise<{ instance: string }>
  /** Polls once; NOT_READY_YET until the instance can be used. */
  awaitInstance(input: StepRef & { instance: string }): Promise<InstanceAddress>
  /** Gives the canary's master a password of its own: the restored one is still production's. Safe to repeat. */
  startTakeover(input: StepRef & { instance: string }): Promise<void>
  /** Removes every temporary instance of the operation with its parameter group. Safe to repeat, and when none was made. */
  startCanaryRemoval(input: StepRef): Promise<{ removing: readonly string[] }>
  /** Polls once; NOT_READY_YET until nothing temporary of the operation is left. */
  awaitCanaryRemoval(input: StepRef): Promise<void>
}
