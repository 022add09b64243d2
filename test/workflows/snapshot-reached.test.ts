import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState } from '@temporalio/common'
import { whileReached } from '../../workflows/snapshot/reached'

const ofActivity = (cause: Error) =>
  new ActivityFailure('an activity failed', 'awaitSnapshotCopy', '1', RetryState.NON_RETRYABLE_FAILURE, 'worker', cause)
const silent = ofActivity(ApplicationFailure.nonRetryable('It did not answer within 20 s.', 'CLOUD_UNREACHABLE'))

/** What was done, in order; each act comes to the next outcome, the last one again and again. */
function region(outcomes: readonly (Error | string)[], answers: () => Promise<void> = async () => undefined) {
  const done: string[] = []
  let acts = 0
  const act = async (): Promise<string> => {
    done.push('act')
    const outcome = outcomes[Math.min(acts, outcomes.length - 1)] ?? ''
    acts += 1
    if (outcome instanceof Error) throw outcome
    return outcome
  }
  const noted = (what: string, then: () => Promise<void>) => async () => {
    done.push(what)
    return then()
  }
  const ended = whileReached(act, { answers: noted('ask', answers), pause: noted('pause', async () => undefined) })
  return { ended, done }
}

test('what a region that answers comes to is passed on', async () => {
  const { ended, done } = region(['there'])
  expect(await ended).toBe('there')
  expect(done).toEqual(['act'])
})

test('a region that answers again is gone on with', async () => {
  const { ended, done } = region([silent, silent, 'there'])
  expect(await ended).toBe('there')
  expect(done).toEqual(['act', 'pause', 'ask', 'act', 'pause', 'ask', 'act'])
})

test('one that stays silent is waited for no longer than it is asked', async () => {
  const { ended, done } = region([silent], () => Promise.reject(silent))
  await expect(ended).rejects.toBe(silent)
  expect(done).toEqual(['act', 'pause', 'ask'])
})

test('one that answers and never does what it is told is given up', async () => {
  const { ended, done } = region([silent])
  await expect(ended).rejects.toBe(silent)
  expect(done.filter((what) => what === 'act')).toHaveLength(30)
})

test.each([
  ['a refusal', ofActivity(ApplicationFailure.nonRetryable('No.', 'CLOUD_REFUSED'))],
  ['an abort', ofActivity(new CancelledFailure('aborted'))],
  ['a defect', new Error('a broken invariant')],
])('%s is no silence', async (_what, error) => {
  const { ended, done } = region([error])
  await expect(ended).rejects.toBe(error)
  expect(done).toEqual(['act'])
})
