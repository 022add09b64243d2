import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant } from '../../contracts/operation'
import type { RestorePoint } from '../../contracts/restore-point'
import type { LookedInto, StepRef } from '../../contracts/step-ref'
import type {
  AroundPoint,
  NegativeControl,
  Rung,
  Verification,
  VerificationPlanSummary,
  WantedPoint,
} from '../../contracts/verify-backup'

/** Of the queue of the database's cloud. They change nothing there. */
export interface BackupActivities {
  /** Chooses what to restore and writes the plan into the ledger, once: a repeat finds the first one. Fails with SNAPSHOT_NOT_FOUND,
   *  MOMENT_OUT_OF_REACH (which names the window), CANARY_NOT_INERT where a copy runs before it is inert and nobody vouches for the point, INSTANCE_NOT_FOUND, ACCOUNT_MISMATCH. */
  planVerification(
    input: StepRef & { wanted: WantedPoint; withinMs: number; wasDormant: boolean; copyStep: string },
  ): Promise<VerificationPlanSummary>
  /** Where the source answers. Fails with PLAN_DRIFTED when it is another instance than the plan's. */
  describeSource(input: StepRef & { instanceId: string }): Promise<InstanceAddress>
  /** Polls once; NOT_READY_YET until the restore window reaches `at`. */
  awaitWindow(input: StepRef & { at: IsoInstant }): Promise<void>
  /** L0, by the cloud's own listing at `now`. `rpoMs`: what a recovery would have lost by then; null: the cloud does not say. Fails with
   *  PLAN_DRIFTED for another instance than the plan's, and for a snapshot that our own retention removed meanwhile. */
  checkExists(
    input: StepRef & { point: RestorePoint; instanceId: string; now: IsoInstant },
  ): Promise<{ rung: Rung; rpoMs: number | null }>
}

/** Of the queue of databases. A rung returns what it found; it throws only where it could not look. Safe to repeat; L2, L4 and L5 prove nothing once
 *  the control has begun. */
export interface BackupProofActivities {
  /** Writes a heartbeat into the source before a moment and one after it, which takes about three seconds; once: a repeat finds the first ones.
   *  Fails with CONTROL_SCHEMA_FOREIGN, CREDENTIALS_REJECTED. */
  markMoment(input: StepRef & { source: InstanceAddress }): Promise<{ at: IsoInstant }>
  /** L1: the copy takes the connection, is no standby any more, and of the source's major version. */
  checkAnswers(input: StepRef & LookedInto & { copy: InstanceAddress; engineVersion: string }): Promise<Rung>
  /** L2: heartbeats that the instance committed before `at` are there, and those from after it are not. */
  checkReached(input: StepRef & { copy: InstanceAddress; at: IsoInstant; instanceId: string }): Promise<Rung>
  /** L3: PostgreSQL's own checks of every index and table. Creates an extension on the copy. */
  checkIntact(input: StepRef & LookedInto & { copy: InstanceAddress }): Promise<Rung>
  /** L4: against the two manifests around the point; null: there are none. */
  checkContent(input: StepRef & LookedInto & { copy: InstanceAddress; around: AroundPoint | null }): Promise<Rung>
  /** L5: the migrations' role logs in with the password of the fleet file, and the declared checks hold. */
  checkUse(input: StepRef & { copy: InstanceAddress }): Promise<Rung>
  /** Damages the copy, after L4 passed, and asks L4 about it again. */
  challengeContent(input: StepRef & { copy: InstanceAddress; around: AroundPoint }): Promise<NegativeControl>
  /** Damages the copy, after L2 passed, and asks L2 about it again. */
  challengeReached(input: StepRef & { copy: InstanceAddress; at: IsoInstant; instanceId: string }): Promise<NegativeControl>
  recordVerification(input: StepRef & { verification: Verification }): Promise<void>
}
