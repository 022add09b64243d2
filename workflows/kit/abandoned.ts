/** Starts a workflow that outlives the one that starts it. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import {
  CancellationScope,
  CancelledFailure,
  ChildWorkflowCancellationType,
  type ChildWorkflowHandle,
  type ChildWorkflowOptions,
  ParentClosePolicy,
  startChild,
  type Workflow,
} from '@temporalio/workflow'
import { TASK_QUEUES } from '../../contracts/messages'

interface Abandoned<Input> {
  /** It makes a second start harmless. */
  readonly workflowId: string
  readonly input: Input
  readonly summary: string
}

/** One that is there already still stands. */
export async function startAbandoned<Input>(workflow: string, { workflowId, input, summary }: Abandoned<Input>): Promise<void> {
  try {
    await startOnItsOwn(workflow, { args: [input], workflowId, staticSummary: summary })
  } catch (error) {
    // This workflow was reset to before it: the first one still stands.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
  }
}

type OnItsOwn = Omit<ChildWorkflowOptions, 'taskQueue' | 'parentClosePolicy' | 'cancellationType'> & { readonly args: unknown[] }

/** A cancellation is not heard while it starts: with ABANDON the SDK's core answers one that comes between the request and the start by ending the
 *  child's machine, and never resolves the start, so that whoever waits for it would wait for ever. Its result does not hear one either: race it.
 *  Throws WorkflowExecutionAlreadyStartedError. */
export async function startOnItsOwn(workflow: string, options: OnItsOwn): Promise<ChildWorkflowHandle<Workflow>> {
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('aborted')
  return CancellationScope.nonCancellable(() =>
    startChild(workflow, {
      ...options,
      taskQueue: TASK_QUEUES.control,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
    }),
  )
}
