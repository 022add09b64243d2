/** Whether anybody is still at work on an operation. The ledger cannot tell: a workflow whose code throws at every attempt parks
 *  silently, and one that was terminated writes nothing any more. */
import type { WorkflowHandle } from '@temporalio/client'
import type { OperationId } from '../contracts/operation'
import { isNotFound, type TemporalDoor } from './temporal'

export type WorkflowHealth =
  | { readonly state: 'running' }
  /** No such workflow, or it has ended: `status` is Temporal's word for it. */
  | { readonly state: 'closed'; readonly status: string; readonly reason: string | null }
  /** Its workflow task keeps failing. */
  | { readonly state: 'parked'; readonly attempt: number; readonly reason: string }

const DESCRIBE_TIMEOUT_MS = 3_000

/** @param attemptsTolerated failed workflow tasks in a row that do not yet count as parked. */
export async function checkWorkflow(
  temporal: TemporalDoor,
  operation: OperationId,
  attemptsTolerated: number,
): Promise<WorkflowHealth> {
  const handle = temporal.handle(operation)
  try {
    return await temporal.within(DESCRIBE_TIMEOUT_MS, async () => {
      const description = await handle.describe()
      const status = description.status.name
      if (status !== 'RUNNING') return { state: 'closed', status, reason: status === 'FAILED' ? await lastWords(handle) : null }
      const attempt = description.raw.pendingWorkflowTask?.attempt ?? 0
      if (attempt <= attemptsTolerated) return { state: 'running' }
      const reason = await lastTaskFailure(handle)
      return reason === null ? { state: 'running' } : { state: 'parked', attempt, reason }
    })
  } catch (error) {
    if (isNotFound(error)) return { state: 'closed', status: 'NOT_FOUND', reason: null }
    throw error
  }
}

async function lastWords(handle: WorkflowHandle): Promise<string | null> {
  const { events } = await handle.fetchHistory()
  return events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure?.message ?? null
}

/** The message of the workflow task that failed last; null when the last one did not fail (timed out with its worker, say). */
async function lastTaskFailure(handle: WorkflowHandle): Promise<string | null> {
  const { events } = await handle.fetchHistory()
  for (const event of [...(events ?? [])].reverse()) {
    if (event.workflowTaskFailedEventAttributes) {
      return event.workflowTaskFailedEventAttributes.failure?.message ?? 'no message'
    }
    if (event.workflowTaskCompletedEventAttributes || event.workflowTaskTimedOutEventAttributes) return null
  }
  return null
}
