import type { LockRef } from '../../contracts/lock'
import type {
  ApplySummary,
  ApplySurvey,
  FollowerAddress,
  InstanceAddress,
  Judgement,
  PlanSummary,
  RehearsalSummary,
} from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'

export interface SchemaActivities {
  /** Reads the target's history, schema and version, validates, and stores the plan in the ledger; where standbys follow it, also what is done with each. Changes
   *  nothing. */
  planMigration(
    input: StepRef & { target: InstanceAddress; lock: LockRef | null; standbys?: readonly FollowerAddress[] },
  ): Promise<PlanSummary>
  /** Proves that nothing in the target would act by itself in a copy that runs with the target's settings for a while; refuses with
   *  CANARY_NOT_INERT. Changes nothing. */
  proveDormant(input: StepRef & { target: InstanceAddress }): Promise<void>
  /** Proves that the canary answers to its new password and cannot act on the outside; refuses with CANARY_NOT_INERT. */
  proveInert(input: StepRef & { canary: InstanceAddress }): Promise<{ summary: string }>
  /** Runs the pending migrations on the canary and records what each statement cost. Resumes after a kill. */
  rehearse(
    input: StepRef & { target: InstanceAddress; canary: InstanceAddress; epoch: number; planDigest: string },
  ): Promise<RehearsalSummary>
  /** Holds the rehearsal against the policy's limits. Reads the ledger only. */
  judgeRehearsal(input: StepRef): Promise<Judgement>
  /** After an apply that failed or was aborted: shuts out whatever attempt may still be running, and tells what the target's history
   *  holds. */
  surveyApply(input: StepRef & { target: InstanceAddress; epoch: number; planDigest: string }): Promise<ApplySurvey>
  /** Applies the pending migrations to the target under the fence; with `upTo` none behind that script. Resumes after a kill; what is applied stays applied. */
  applyMigrations(
    input: StepRef & { target: InstanceAddress; epoch: number; planDigest: string; upTo?: string },
  ): Promise<ApplySummary>
}
