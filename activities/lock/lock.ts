/** The instance's lock: asks the lock's entity workflow, and takes the fencing epoch from the ledger once it is granted. */
import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { failure } from '../../contracts/failures'
import { type AcquireInput, LOCK_UPDATES, LOCK_WORKFLOW } from '../../contracts/lock'
import { TASK_QUEUES } from '../../contracts/messages'
import type { OperationId } from '../../contracts/operation'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { LockActivities } from './contract'

/** Null: granted. Else the operation that holds it. */
async function tryAcquire(client: Client, scope: string, acquire: AcquireInput): Promise<OperationId | null> {
  const startWorkflowOperation = new WithStartWorkflowOperation(LOCK_WORKFLOW, {
    workflowId: scope,
    taskQueue: TASK_QUEUES.control,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [],
    // Its decisions take milliseconds.
    workflowTaskTimeout: '3 seconds',
    staticSummary: `Lock held by ${acquire.operation}`,
  })
  try {
    await client.workflow.executeUpdateWithStart(LOCK_UPDATES.acquire, { args: [acquire], startWorkflowOperation })
    return null
  } catch (error) {
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : null
    if (!(cause instanceof ApplicationFailure)) {
      // The lock workflow ended while the update was on its way, or the server is away: both pass.
      throw failure('LOCK_BUSY', `The lock ${scope} did not answer.`, { scope }, { cause: error })
    }
    if (cause.type !== 'INSTANCE_LOCKED') throw error
    const holder: unknown = cause.details?.[0]
    if (typeof holder !== 'string') throw error
    return holder
  }
}

async function isRunning(client: Client, operation: OperationId): Promise<boolean> {
  try {
    const description = await client.workflow.getHandle(operation).describe()
    return description.status.name === 'RUNNING' || description.status.name === 'PAUSED'
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw failure('TEMPORAL_UNREACHABLE', `Temporal did not say whether ${operation} is still running.`, {}, { cause: error })
  }
}

export function createLockActivities(deps: Pick<ActivityDeps, 'ledger'>): LockActivities {
  return {
    async acquireLock({ operation, scope }) {
      const { client } = assertMayAct()
      let holder = await tryAcquire(client, scope, { operation, supersede: null })
      if (holder !== null && !(await isRunning(client, holder))) {
        holder = await tryAcquire(client, scope, { operation, supersede: holder })
      }
      if (holder !== null) {
        throw failure(
          'INSTANCE_LOCKED',
          `The instance is locked by operation ${holder}, which is still running. Wait for it, or abort it with \`capstan ops abort ${holder}\`.`,
          { holder, scope },
        )
      }
      return { epoch: await deps.ledger.nextEpoch({ scope, operation }) }
    },
    async releaseLock({ operation, scope }) {
      try {
        await currentAct()
          .client.workflow.getHandle(scope)
          .executeUpdate(LOCK_UPDATES.release, { args: [{ operation }] })
      } catch (error) {
        // No lock workflow is running: nobody holds it.
        if (error instanceof WorkflowNotFoundError) return
        throw failure('LOCK_BUSY', `The lock ${scope} did not answer.`, { scope }, { cause: error })
      }
    },
  }
}
