/** Our plain failures → Temporal's. Cancellation passes through untouched: mapped to a failure that is not retried, a worker's
 *  own shutdown would run the undos. Whatever nobody foresaw is a defect and ends the operation instead of being retried. */
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure, TemporalFailure } from '@temporalio/common'
import { FAILURE_KINDS, Failure, failure } from '../../contracts/failures'
import { ServerError } from '../../postgres/connect/errors'

export function toTemporalFailure(error: unknown, signals: { cancelled: AbortSignal; stale: AbortSignal }): Error {
  if (error instanceof TemporalFailure) return error
  if (error instanceof Failure) return fromFailure(error)
  // Node's own functions reject with an AbortError of theirs: why the signal fired is what matters.
  const { reason } = signals.stale
  if (signals.stale.aborted && !signals.cancelled.aborted && reason instanceof Failure) return fromFailure(reason)
  if (signals.cancelled.aborted) return new CancelledFailure('the activity was cancelled')
  if (error instanceof ServerError) return fromFailure(databaseFailure(error))
  const message = error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown'
  return ApplicationFailure.create({ message, type: 'DEFECT', nonRetryable: true })
}

/** SQLSTATEs that pass by themselves: connection exceptions, serialization and deadlock, shutdown and start-up, too many clients. A full
 *  disk or a statement that took too long does not: tried again for ever it would only be slow. */
const PASSING = /^(08...|40001|40P01|57P0[1-5]|53300)$/

function databaseFailure({ sqlState, message }: ServerError): Failure {
  const code = PASSING.test(sqlState) ? 'CONNECTION_LOST' : 'DATABASE_REFUSED'
  return failure(code, `PostgreSQL refused: ${message} (SQLSTATE ${sqlState}).`, { sqlState })
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
