import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant, Sha256 } from '../../contracts/operation'
import type {
  ExpiryRecord,
  SnapshotList,
  SnapshotPlanSummary,
  SnapshotStanding,
  SnapshotVerification,
} from '../../contracts/snapshot'
import type { StepRef } from '../../contracts/step-ref'

export interface StartedSnapshot {
  readonly snapshot: string
  /** The cloud's own record of it, where it keeps one and named it. */
  readonly cloudOperation?: string
}

/** Of a copy: another region than the database's own, which is meant where it is left out. */
export interface InRegion {
  readonly region: string
}

export interface SnapshotActivities {
  /** What would be taken of the target and what could then be removed; written into the ledger. Changes nothing in the cloud. */
  planSnapshot(
    input: StepRef & { target: InstanceAddress; snapshotStep: string; retentionHours: number },
  ): Promise<SnapshotPlanSummary>
  /** Starts `cap-<operation>-<step>` of the target. Safe to repeat: adopts its own. */
  startSnapshot(input: StepRef & { retentionHours: number; startedAt: IsoInstant }): Promise<StartedSnapshot>
  /** Polls once; NOT_READY_YET until the snapshot can be restored. */
  awaitSnapshot(input: StepRef & StartedSnapshot): Promise<{ createdAt: IsoInstant | null }>
  /** Holds the snapshot against the plan: the very instance, encrypted as it, as large as it. */
  verifySnapshot(input: StepRef & { snapshot: string }): Promise<SnapshotVerification>
  /** Starts the copy of the operation's snapshot in another region, under the step's name there. Safe to repeat: adopts its own. */
  startSnapshotCopy(
    input: StepRef & InRegion & { of: string; instanceId: string; retentionHours: number; startedAt: IsoInstant },
  ): Promise<void>
  /** Whether the region answers. Fails where it does not. */
  askRegion(input: StepRef & InRegion & { snapshot: string }): Promise<void>
  /** Polls once; NOT_READY_YET until the copy can be restored. */
  awaitSnapshotCopy(input: StepRef & InRegion & { snapshot: string }): Promise<void>
  /** Holds the copy against the plan: of the very instance, encrypted as was asked for, as large as it. */
  verifySnapshotCopy(input: StepRef & InRegion & { snapshot: string }): Promise<SnapshotVerification>
  /** Takes the step's own snapshot back: asks for its removal and polls once; NOT_READY_YET until it is gone. Safe to repeat, and when none
   *  was made. Leaves it when older ones were removed for its sake, when the instance was begun to be overwritten, or when the operation has ended: then
   *  others rely on it. In another region it fails soon where that does not answer. */
  awaitSnapshotRemoval(input: StepRef & Partial<InRegion> & { snapshot: string; instanceId: string }): Promise<void>
  /** Removes every snapshot of the instance that may go by retention at `now`, in one region. Safe to repeat: goes on where it was. */
  expireSnapshots(input: StepRef & Partial<InRegion> & { instanceId: string; now: IsoInstant }): Promise<ExpiryRecord>
  /** What an expiry that was stopped has done so far. */
  surveyExpiry(input: StepRef & Partial<InRegion>): Promise<ExpiryRecord>
  /** When the snapshot's retention is over, removes what may go of its instance: that snapshot, unless it is the last good one, and those
   *  that it outlived. `dueAt`: it is not over yet. Safe to repeat. */
  expireSnapshot(
    input: StepRef & Partial<InRegion> & { snapshot: string; now: IsoInstant },
  ): Promise<{ dueAt: IsoInstant | null; standing: SnapshotStanding | 'gone' }>
  /** Every snapshot of the database's instance, in its own region and in those that its policy copies them into. Reads only. */
  listSnapshots(input: { bundle: Sha256 }): Promise<SnapshotList>
}
