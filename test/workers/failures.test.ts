import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { failure } from '../../contracts/failures'
import { ServerError } from '../../postgres/connect/errors'
import { toTemporalFailure } from '../../workers/interceptors/failures'

const never = new AbortController().signal
const quiet = { cancelled: never, stale: never }
const cancelled = { cancelled: AbortSignal.abort(new Error('cancelled')), stale: never }
const stale = { cancelled: never, stale: AbortSignal.abort(failure('HEARTBEAT_GAP', 'silent for too long')) }

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

test('whatever a stale attempt throws is tried again by another, and never ends the operation', () => {
  const mapped = toTemporalFailure(Object.assign(new Error('aborted'), { name: 'AbortError' }), stale)
  expect(mapped).toMatchObject({ type: 'HEARTBEAT_GAP', nonRetryable: false })
})

test.each([
  ['57P01', 'CONNECTION_LOST', false],
  ['40001', 'CONNECTION_LOST', false],
  ['57014', 'DATABASE_REFUSED', true],
  ['53100', 'DATABASE_REFUSED', true],
  ['42501', 'DATABASE_REFUSED', true],
])('SQLSTATE %s outside a migration is %s', (sqlState, type, nonRetryable) => {
  expect(toTemporalFailure(new ServerError('no', sqlState, null), quiet)).toMatchObject({ type, nonRetryable })
})
