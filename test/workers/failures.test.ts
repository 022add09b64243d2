import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { failure } from '../../contracts/failures'
import { toTemporalFailure } from '../../workers/interceptors/failures'

const quiet = new AbortController().signal
const cancelled = AbortSignal.abort(new Error('cancelled'))

test('a refusal is not retried and keeps its code and facts', () => {
  const mapped = toTemporalFailure(failure('INSTANCE_LOCKED', 'The instance is locked by op-1.', { holder: 'op-1' }), quiet)
  expect(mapped).toMatchObject({ type: 'INSTANCE_LOCKED', nonRetryable: true, details: [{ holder: 'op-1' }] })
})

test('a transient failure is retried', () => {
  expect(toTemporalFailure(failure('CLOUD_THROTTLED', 'slow down'), quiet)).toMatchObject({ nonRetryable: false })
})

test('waiting says when to ask again', () => {
  const mapped = toTemporalFailure(failure('NOT_READY_YET', 'creating', { retryAfterMs: 750 }), quiet)
  expect(mapped).toMatchObject({ type: 'NOT_READY_YET', nonRetryable: false, nextRetryDelay: 750, category: 'BENIGN' })
})

test('an error that nobody foresaw is a defect and is not retried', () => {
  expect(toTemporalFailure(new TypeError('x is undefined'), quiet)).toMatchObject({ type: 'DEFECT', nonRetryable: true })
})

test('whatever a cancelled activity throws is a cancellation, so that a stopping worker runs no undo', () => {
  expect(toTemporalFailure(new Error('socket closed'), cancelled)).toBeInstanceOf(CancelledFailure)
})

test("Temporal's own failures pass through", () => {
  const own = ApplicationFailure.nonRetryable('no', 'X')
  expect(toTemporalFailure(own, quiet)).toBe(own)
})
