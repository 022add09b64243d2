/** What the parts of the snapshot runbook share. */
import type { SnapshotInput } from '../../contracts/snapshot'
import type { StepRef } from '../../contracts/step-ref'
import type { Run } from '../kit/run'
import type { snapshotActivities } from './activities'

export interface Taking {
  readonly run: Run
  readonly input: SnapshotInput
  readonly act: ReturnType<typeof snapshotActivities>
  readonly ref: (step: string) => StepRef
}

export interface Taken {
  readonly snapshot: string
  readonly instanceId: string
  /** From when its retention is reckoned. */
  readonly startedAt: string
}
