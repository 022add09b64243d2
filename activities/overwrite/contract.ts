import type { FencePlanSummary } from '../../contracts/fence'
import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant } from '../../contracts/operation'
import type { OverwritePlanSummary, OverwriteRequest, PlannedOverwriting } from '../../contracts/overwrite'
import type { StepRef } from '../../contracts/step-ref'

/** Of the queue of the database's cloud. */
export interface OverwriteActivities {
  /** Whether the instance can be overwritten with that snapshot; keeps its configuration in the ledger, once. Changes nothing in the cloud. Fails with
   *  CLOUD_REFUSED where the cloud overwrites no instance, or with what stands in the way; as a restore's plan for the snapshot; with
   *  RESOURCE_FAILED for an instance that is down: no fresh backup of it could be proven to hold everything. */
  planOverwriting(input: StepRef & OverwriteRequest): Promise<PlannedOverwriting>
  /** Puts what was found together, and writes the plan into the ledger. Fails with FENCE_REFUSED, naming the obstacles. */
  writeOverwritePlan(input: StepRef & OverwriteRequest & { fence: FencePlanSummary }): Promise<OverwritePlanSummary>
  /** Fails with PLAN_DRIFTED for another instance or snapshot than the plan's, or an instance that the operation has begun to overwrite already, with CLOUD_REFUSED and
   *  SNAPSHOT_NOT_FOUND as planning. Changes nothing. */
  assertOverwritable(input: StepRef & { snapshot: string }): Promise<void>
  /** Starts `cap-<operation>-<step>` of the instance, kept for that time at least. Safe to repeat: adopts its own. Fails with PLAN_DRIFTED where the
   *  operation has begun to overwrite it already. */
  startFreshBackup(
    input: StepRef & { keepHours: number; startedAt: IsoInstant },
  ): Promise<{ readonly snapshot: string; readonly cloudOperation?: string }>
  /** Polls once; NOT_READY_YET until the instance's networks let in whom a canary's would, and nobody else. PLAN_DRIFTED as `startFreshBackup`. */
  closeNetworks(input: StepRef): Promise<void>
  /** Polls once; NOT_READY_YET until they let in whom they let in when it was planned. Safe to repeat, and where they were never closed.
   *  `undo`: fails with PLAN_DRIFTED where the operation has begun to overwrite the instance, as after a reset. */
  openNetworks(input: StepRef & { undo?: true }): Promise<void>
  /** Polls once; NOT_READY_YET until the instance holds the snapshot. It cannot be taken back. Safe to repeat: adopts the restore that began after
   *  `since`. `failure`: it failed, and more often than `failedBefore` says; null: it is done. */
  overwriteInstance(
    input: StepRef & { snapshot: string; since: IsoInstant; failedBefore: number },
  ): Promise<{ failure: string | null }>
}

/** Of the queue of databases. */
export interface OverwriteDataActivities {
  /** Opens the databases that are closed in what was restored, and keeps attempts of migrations from before off it. Safe to repeat. Fails with
   *  CREDENTIALS_REJECTED where a role has another password since the snapshot. */
  settleContent(input: StepRef & { target: InstanceAddress; epoch: number }): Promise<{ opened: readonly string[] }>
}
