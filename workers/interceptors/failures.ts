/** Our plain failures → Temporal's. Cancellation passes through untouched: mapped to a failure that is not retried, a worker's
 *  own shutdown would run the undos. Whatever nobody foresaw is a defect and ends the operation instead of being retried. */
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure, TemporalFailure } from '@temporalio/common'
import { FAILURE_KINDS, Failure } from '../../contracts/failures'

export function toTemporalFailure(error: unknown, signal: AbortSignal): Error {
  if (error instanceof TemporalFailure) return error
  if (error instanceof Failure) return fromFailure(error)
  if (signal.aborted) return new CancelledFailure('the activity was cancelled', [], error instanceof Error ? error : undefined)
  const message = error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown'
  return ApplicationFailure.create({
    message,
    type: 'DEFECT',
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  })
}

function fromFailure(error: Failure): ApplicationFailure {
  const retryAfterMs = error.facts.retryAfterMs
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !FAILURE_KINDS[error.kind].retried,
    details: [error.facts],
    ...(typeof retryAfterMs === 'number' ? { nextRetryDelay: retryAfterMs } : {}),
    ...(error.code === 'NOT_READY_YET' ? { category: ApplicationFailureCategory.BENIGN } : {}),
  })
}
