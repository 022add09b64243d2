/** The real start of a run, and in the runbook's place one with its life and without its steps: the database's name says how it goes. */
import { ApplicationFailure, condition } from '@temporalio/workflow'
import type { OperationResult } from '../../../contracts/operation'
import type { SnapshotInput } from '../../../contracts/snapshot'
import { runOperation } from '../../../workflows/kit/operation'

export { scheduledStart } from '../../../workflows/scheduled/scheduled-start'

export async function snapshot(input: SnapshotInput): Promise<OperationResult> {
  return runOperation({ ...input, lockScope: null }, async () => {
    if (input.database === 'waits') await condition(() => false)
    if (input.database === 'fails') throw ApplicationFailure.nonRetryable('the cloud says no', 'CLOUD_REFUSED')
    return { status: 'succeeded', verdict: 'pass', findings: [] }
  })
}
