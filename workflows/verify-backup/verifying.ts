/** What every part of a verification works with. */
import type { StepName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import type { VerifyBackupInput } from '../../contracts/verify-backup'
import type { Run } from '../kit/run'
import type { verifyBackupActivities } from './activities'
import type { TimeLimit } from './time-limit'

export interface Verifying {
  readonly run: Run
  readonly input: VerifyBackupInput
  readonly act: ReturnType<typeof verifyBackupActivities>
  readonly ref: (step: StepName) => StepRef
  readonly limit: TimeLimit
}
