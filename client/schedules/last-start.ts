/** What became of a schedule's newest run where it is no operation's matter: a run that could not open its operation stands on no record, and
 *  Temporal alone knows why. */
import type { ScheduleDescription, WorkflowExecutionDescription } from '@temporalio/client'
import type { RunTrouble } from '../../contracts/schedule'
import { ANSWER_TIMEOUT_MS } from '../decide'
import { isNotFound, type TemporalDoor } from '../temporal'

const STATES: Readonly<Record<string, RunTrouble['state']>> = {
  RUNNING: 'retrying',
  FAILED: 'failed',
  TIMED_OUT: 'timed-out',
  TERMINATED: 'terminated',
  CANCELLED: 'cancelled',
}

/** Null: it went well, goes on as it should, or Temporal has forgotten it. */
export async function lastTrouble(temporal: TemporalDoor, { info }: ScheduleDescription): Promise<RunTrouble | null> {
  const newest = info.recentActions.at(-1)
  if (newest === undefined) return null
  const { workflowId, firstExecutionRunId } = newest.action.workflow
  const handle = temporal.client.workflow.getHandle(workflowId, firstExecutionRunId)
  try {
    const description = await temporal.within(ANSWER_TIMEOUT_MS, () => handle.describe())
    const state = STATES[description.status.name]
    if (state === undefined) return null
    const why =
      state === 'retrying' ? retried(description) : await told(() => temporal.within(ANSWER_TIMEOUT_MS, () => handle.result()))
    return why === null ? null : { at: newest.scheduledAt.toISOString(), state, ...why }
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

type Why = Pick<RunTrouble, 'code' | 'message'>

/** Of a run that goes on: why its activity is tried again. A wait for the operation's end is polled, and no trouble. */
function retried({ raw }: WorkflowExecutionDescription): Why | null {
  const failing = raw.pendingActivities?.find(({ activityType }) => !activityType?.name?.startsWith('await'))
  const failure = failing?.lastFailure
  if (!failure) return null
  return { code: failure.applicationFailureInfo?.type || null, message: failure.message ?? '' }
}

/** The innermost cause says what happened; those around it say where. */
async function told(result: () => Promise<unknown>): Promise<Why> {
  let error: unknown = await result().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  while (error instanceof Error && error.cause instanceof Error) error = error.cause
  if (!(error instanceof Error)) return { code: null, message: '' }
  return { code: 'type' in error && typeof error.type === 'string' ? error.type : null, message: error.message }
}
