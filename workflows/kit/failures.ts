/** What a failed activity said, in the closed table's words. */
import { ActivityFailure, ApplicationFailure, isCancellation, TemporalFailure, TimeoutFailure } from '@temporalio/workflow'
import type { FailureRecord } from '../../contracts/operation'

/** A broken invariant in the workflow's own code is no TemporalFailure: it has to park the run, not end it. */
export function isDefect(error: unknown): boolean {
  return !(error instanceof TemporalFailure) && !isCancellation(error)
}

export function failureRecord(error: unknown): FailureRecord {
  const cause = error instanceof ActivityFailure && error.cause !== undefined ? error.cause : error
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'DEFECT', message: cause.message }
  if (cause instanceof TimeoutFailure) {
    return { code: 'DEFECT', message: `An activity ran into its ${cause.timeoutType} time-out.` }
  }
  return { code: 'DEFECT', message: cause instanceof Error ? cause.message : String(cause) }
}
