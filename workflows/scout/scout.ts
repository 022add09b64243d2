/** What would hurt a database first, seen by workers: one of its cloud, which tells where it is, and one that serves databases. No operation: it
 *  changes nothing, takes no lock and leaves no record. */
import { ActivityFailure, ApplicationFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow'
import type { DatabaseHealthActivities, InstanceHealthActivities } from '../../activities/health/contract'
import { TASK_QUEUES, type TaskQueue } from '../../contracts/messages'
import type { ScoutInput, WorkerScout } from '../../contracts/scout'
import { lookAct } from '../kit/proxies'

export async function scout(input: ScoutInput): Promise<WorkerScout> {
  const { bundle, cloud, everyDatabase } = input
  const { surveyInstance } = proxyActivities<InstanceHealthActivities>(lookAct(TASK_QUEUES[cloud], input))
  const { examineDatabase } = proxyActivities<DatabaseHealthActivities>(lookAct(TASK_QUEUES.postgres, input))
  const instance = await taken(TASK_QUEUES[cloud], surveyInstance({ bundle }))
  const { host, port } = instance
  const health = await taken(TASK_QUEUES.postgres, examineDatabase({ bundle, host, port, everyDatabase }))
  return { instance, health }
}

/** A queue that nobody serves is named: of two it is otherwise a riddle which. */
async function taken<T>(queue: TaskQueue, act: Promise<T>): Promise<T> {
  try {
    return await act
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined
    if (!(cause instanceof TimeoutFailure) || cause.timeoutType !== 'SCHEDULE_TO_START') throw error
    const message = `No worker took the work for ${queue} in time: check that workers for ${queue} run.`
    throw ApplicationFailure.nonRetryable(message, 'NOT_READY_YET')
  }
}
