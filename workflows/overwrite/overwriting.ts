/** What every part of the overwriting's runbook is given. */
import type { StepName } from '../../contracts/operation'
import type { OverwriteInput, OverwritePlanSummary } from '../../contracts/overwrite'
import type { StepRef } from '../../contracts/step-ref'
import type { Run } from '../kit/run'
import type { overwriteActivities } from './activities'

export interface Overwriting {
  readonly run: Run
  readonly input: OverwriteInput
  readonly act: ReturnType<typeof overwriteActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the lock that is held; 0 without one. */
  readonly epoch: number
}

export interface Planned extends OverwritePlanSummary {
  /** To raise the fence with. */
  readonly fenceEpoch: number
}
