/** The real lock and the real start of a run, and in the runbook's place one that holds the lock: for ever where the database is called `waits`. */
import { condition } from '@temporalio/workflow'
import type { OperationResult } from '../../../contracts/operation'
import type { SnapshotInput } from '../../../contracts/snapshot'
import { runOperation } from '../../../workflows/kit/operation'

export { instanceLock } from '../../../workflows/instance-lock/instance-lock'
export { scheduledStart } from '../../../workflows/scheduled/scheduled-start'

export async function snapshot(input: SnapshotInput): Promise<OperationResult> {
  return runOperation(input, async () => {
    if (input.database === 'waits') await condition(() => false)
    return { status: 'succeeded', verdict: 'pass', findings: [] }
  })
}
