/** Arranges a snapshot's retirement. It outlives the operation: parent close policy abandon, and the id makes a second start harmless. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { ChildWorkflowCancellationType, ParentClosePolicy, startChild } from '@temporalio/workflow'
import { TASK_QUEUES } from '../../contracts/messages'
import { RETIRE_SNAPSHOT_WORKFLOW, type RetireSnapshotInput } from '../../contracts/migrate'

export async function arrangeRetirement(input: RetireSnapshotInput): Promise<void> {
  const { operation, cloud = 'aws', bundle, snapshot, retentionHours, heartbeatTimeoutMs } = input
  const retirement: RetireSnapshotInput = { operation, cloud, bundle, snapshot, retentionHours, heartbeatTimeoutMs }
  try {
    await startChild(RETIRE_SNAPSHOT_WORKFLOW, {
      args: [retirement],
      workflowId: `retire/${snapshot}`,
      taskQueue: TASK_QUEUES.control,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: `Removes ${snapshot} after ${retentionHours} h`,
    })
  } catch (error) {
    // This workflow was reset to before it: the first one still stands.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}
