/** What somebody waits for who looks: said in words where no worker takes it up. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow'
import type { TaskQueue } from '../../contracts/messages'

/** A queue that nobody serves is named: of two it is otherwise a riddle which. */
export async function taken<T>(queue: TaskQueue, act: Promise<T>): Promise<T> {
  try {
    return await act
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined
    if (!(cause instanceof TimeoutFailure) || cause.timeoutType !== 'SCHEDULE_TO_START') throw error
    const message = `No worker took the work for ${queue} in time: check that workers for ${queue} run.`
    throw ApplicationFailure.nonRetryable(message, 'NOT_READY_YET')
  }
}
