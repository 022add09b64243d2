import type { IsoInstant } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'

export interface SnapshotActivities {
  /** Starts `cap-<operation>-<step>` of the target. Safe to repeat: adopts its own. */
  startSnapshot(input: StepRef & { retentionHours: number; startedAt: IsoInstant }): Promise<{ snapshot: string }>
  /** Polls once; NOT_READY_YET until the snapshot can be restored. */
  awaitSnapshot(input: StepRef & { snapshot: string }): Promise<{ createdAt: IsoInstant | null }>
  /** Removes a snapshot whose retention is over. Safe to repeat. */
  expireSnapshot(input: StepRef & { snapshot: string }): Promise<void>
}
