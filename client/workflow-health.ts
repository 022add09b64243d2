/** Whether anybody is still at work on an operation. The ledger cannot tell: a workflow whose code throws at every attempt parks
 *  silently, one that was terminated writes nothing any more, and what is tried again and again leaves no record until it ends. */
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client'
import type { OperationId } from '../contracts/operation'
import { isNotFound, type TemporalDoor } from './temporal'

export type WorkflowHealth =
  | { readonly state: 'running'; readonly retries: readonly Retry[]; readonly unclaimed: Unclaimed | null }
  /** No such workflow, or it has ended: `status` is Temporal's word for it. */
  | { readonly state: 'closed'; readonly status: string; readonly reason: string | null }
  /** Its workflow task keeps failing. */
  | { readonly state: 'parked'; readonly attempt: number; readonly reason: string }

/** An activity that failed and is tried again. */
export interface Retry {
  readonly activity: string
  /** The attempt that runs or comes next. */
  readonly attempt: number
  readonly reason: string
}

/** Something to do that no worker has taken up. `key` stays the same as long as it is the same thing. */
export interface Unclaimed {
  readonly what: string
  readonly key: string
}

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
      const running = { state: 'running', retries: retriesOf(description), unclaimed: unclaimedOf(description) } as const
      const attempt = description.raw.pendingWorkflowTask?.attempt ?? 0
      if (attempt <= attemptsTolerated) return running
      const reason = await lastTaskFailure(handle)
      return reason === null ? running : { state: 'parked', attempt, reason }
    })
  } catch (error) {
    if (isNotFound(error)) return { state: 'closed', status: 'NOT_FOUND', reason: null }
    throw error
  }
}

/** How a poll says that what it waits for takes its time: no trouble. */
const PENDING = 'NOT_READY_YET'

function retriesOf({ raw }: WorkflowExecutionDescription): Retry[] {
  return (raw.pendingActivities ?? []).flatMap(({ activityType, attempt, lastFailure }) => {
    if (lastFailure == null || lastFailure.applicationFailureInfo?.type === PENDING) return []
    const reason = lastFailure.message ?? 'no message'
    return [{ activity: activityType?.name ?? 'an activity', attempt: attempt ?? 1, reason }]
  })
}

/** `PENDING_…_STATE_SCHEDULED` of Temporal's enums: a server that knows its state, and nobody has started it. */
const SCHEDULED = 1

function unclaimedOf({ raw: { pendingWorkflowTask, pendingActivities } }: WorkflowExecutionDescription): Unclaimed | null {
  if (pendingWorkflowTask?.state === SCHEDULED) {
    return { what: 'its next task', key: `task ${String(pendingWorkflowTask.scheduledTime?.seconds)}` }
  }
  // One that failed before waits for its next attempt, which is no sign of a missing worker.
  const activity = (pendingActivities ?? []).find(({ state, attempt }) => state === SCHEDULED && (attempt ?? 1) <= 1)
  if (activity == null) return null
  return { what: activity.activityType?.name ?? 'an activity', key: `activity ${activity.activityId ?? ''}` }
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
