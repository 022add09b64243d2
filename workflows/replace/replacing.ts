/** What every part of the replacement's runbook is given. */
import type { InstanceAddress } from '../../contracts/migrate'
import type { StepName } from '../../contracts/operation'
import type { ReplaceInput } from '../../contracts/replace'
import type { StepRef } from '../../contracts/step-ref'
import type { Run } from '../kit/run'
import type { replaceActivities } from './activities'

export interface Replacing {
  readonly run: Run
  readonly input: ReplaceInput
  readonly act: ReturnType<typeof replaceActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the lock that is held; 0 without one. */
  readonly epoch: number
}

/** The instances on both sides of the endpoint. */
export interface Pair {
  /** Null: it is gone. */
  readonly old: InstanceAddress | null
  readonly copy: InstanceAddress
}
