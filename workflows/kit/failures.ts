/** What a failed activity said, in the closed table's words. */
import { ActivityFailure, ApplicationFailure, isCancellation, TemporalFailure, TimeoutFailure } from '@temporalio/workflow'
import type { FailureCode } from '../../contracts/failures'
import type { FailureRecord } from '../../contracts/operation'

/** A broken invariant in the workflow's own code is no TemporalFailure: it has to park the run, not end it. */
export function isDefect(error: unknown): boolean {
  return !(error instanceof TemporalFailure) && !isCancellation(error)
}

/** It said with `code` that it was not reached, or nobody has asked it in time. */
export function isOutOfReach(error: unknown, code: FailureCode): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error
  return cause instanceof TimeoutFailure || (cause instanceof ApplicationFailure && cause.type === code)
}

export function failureRecord(error: unknown): FailureRecord {
  const cause = error instanceof ActivityFailure && error.cause !== undefined ? error.cause : error
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'DEFECT', message: cause.message }
  if (cause instanceof TimeoutFailure) {
    if (cause.timeoutType === 'SCHEDULE_TO_START' && error instanceof ActivityFailure) {
      const message = `No worker took up ${error.activityType} in time: start one that serves its queue.`
      return { code: 'DEFECT', message }
    }
    return { code: 'DEFECT', message: `An activity ran into its ${cause.timeoutType} time-out.` }
  }
  return { code: 'DEFECT', message: cause instanceof Error ? cause.message : String(cause) }
}
