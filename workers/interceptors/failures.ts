/** Our plain failures → Temporal's. Cancellation passes through untouched: mapped to a failure that is not retried, a worker's
 *  own shutdown would run the undos. Whatever nobody foresaw is a defect and ends the operation instead of being retried. */
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure, TemporalFailure } from '@temporalio/common'
import { FAILURE_KINDS, Failure, failure } from '../../contracts/failures'
import { ServerError } from '../../postgres/connect/errors'

export function toTemporalFailure(error: unknown, signal: AbortSignal): Error {
  if (error instanceof TemporalFailure) return error
  if (error instanceof Failure) return fromFailure(error)
  if (signal.aborted) return new CancelledFailure('the activity was cancelled', [], error instanceof Error ? error : undefined)
  if (error instanceof ServerError) return fromFailure(databaseFailure(error))
  const message = error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown'
  return ApplicationFailure.create({
    message,
    type: 'DEFECT',
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  })
}

/** SQLSTATE classes that pass: connection exception, transaction rollback, insufficient resources, operator intervention. */
const PASSING = new Set(['08', '40', '53', '57'])

function databaseFailure({ sqlState, message }: ServerError): Failure {
  const code = PASSING.has(sqlState.slice(0, 2)) ? 'CONNECTION_LOST' : 'DATABASE_REFUSED'
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
