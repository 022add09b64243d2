/** Whether anybody is at work on an operation, as Temporal knows. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { failure } from '../contracts/failures'
import type { OperationId } from '../contracts/operation'

/** Fails with TEMPORAL_UNREACHABLE. */
export async function isRunning(client: Client, operation: OperationId): Promise<boolean> {
  try {
    const description = await client.workflow.getHandle(operation).describe()
    return description.status.name === 'RUNNING' || description.status.name === 'PAUSED'
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw failure('TEMPORAL_UNREACHABLE', `Temporal did not say whether ${operation} is still running.`, {}, { cause: error })
  }
}
