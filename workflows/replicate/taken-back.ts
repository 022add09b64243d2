/** What was found ends an operation, and is no failure; what it made goes all the same. */
import { CancellationScope } from '@temporalio/workflow'
import type { Finding } from '../../contracts/operation'
import type { Outcome } from '../kit/operation'
import type { Run } from '../kit/run'

export async function takenBack(run: Run, findings: readonly Finding[]): Promise<Outcome> {
  run.conclude()
  await CancellationScope.nonCancellable(() => run.compensate())
  return { status: 'failed', verdict: 'fail', findings }
}
