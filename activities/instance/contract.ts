import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant } from '../../contracts/operation'
import type { RestorePoint } from '../../contracts/restore-point'
import type { StepRef } from '../../contracts/step-ref'

export interface InstanceActivities {
  /** Where the target answers; NOT_READY_YET while it is changing. */
  describeTarget(input: StepRef): Promise<InstanceAddress>
  /** Starts restoring the snapshot as an inert canary, `cap-<operation>-<step>`. Safe to repeat: adopts its own. */
  startCanary(input: StepRef & { snapshot: string }): Promise<{ instance: string }>
  /** Starts restoring to the point as an inert copy, `cap-<operation>-<step>`. `expiresAt`: when retention may remove it; null: the operation
   *  removes it itself. Safe to repeat: adopts its own. */
  startCopy(input: StepRef & { point: RestorePoint; expiresAt: IsoInstant | null }): Promise<{ instance: string }>
  /** Polls once; NOT_READY_YET until the instance can be used. */
  awaitInstance(input: StepRef & { instance: string }): Promise<InstanceAddress>
  /** Gives the canary's master a password of its own: the restored one is still production's. Safe to repeat. */
  startTakeover(input: StepRef & { instance: string }): Promise<void>
  /** Removes every temporary instance of the operation with its parameter group. Safe to repeat, and when none was made. */
  startCanaryRemoval(input: StepRef): Promise<{ removing: readonly string[] }>
  /** Polls once; NOT_READY_YET until nothing temporary of the operation is left. What was begun and never seen is looked for some seconds long. */
  awaitCanaryRemoval(input: StepRef): Promise<void>
}
