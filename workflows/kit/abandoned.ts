/** Starts a workflow that outlives the one that starts it. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  CancellationScope,
  CancelledFailure,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  startChild,
} from '@temporalio/workflow'
import { TASK_QUEUES } from '../../contracts/messages'

interface Abandoned<Input> {
  /** It makes a second start harmless. */
  readonly workflowId: string
  readonly input: Input
  readonly summary: string
}

/** A cancellation is not heard while it starts: with ABANDON the SDK's core answers one that comes between the request and the start by ending the
 *  child's machine, and never resolves the start, so that whoever waits for it would wait for ever. */
export async function startAbandoned<Input>(workflow: string, { workflowId, input, summary }: Abandoned<Input>): Promise<void> {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('aborted')
  try {
    await CancellationScope.nonCancellable(() =>
      startChild(workflow, {
        args: [input],
        workflowId,
        taskQueue: TASK_QUEUES.control,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
        staticSummary: summary,
      }),
    )
  } catch (error) {
    // This workflow was reset to before it: the first one still stands.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}
