import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState } from '@temporalio/common'
import type { NegativeControl } from '../../contracts/verify-backup'
import { orUnmade } from '../../workflows/verify-backup/challenge'

const after = (error: Error): Promise<NegativeControl> => orUnmade('content', () => Promise.reject(error))
const said = (code: string) => ApplicationFailure.nonRetryable('So it is.', code)
const ofActivity = (cause: Error) =>
  new ActivityFailure('an activity failed', 'challengeContent', '1', RetryState.NON_RETRYABLE_FAILURE, 'worker', cause)

test('a control for which no time is left is not made, and throws nothing away', async () => {
  const summary = 'L4: no damage: VERIFICATION_TIMED_OUT So it is.'
  expect(await after(said('VERIFICATION_TIMED_OUT'))).toEqual({ rung: 'content', outcome: 'not-made', summary })
})

test('a control that breaks is told apart from one that found nothing to damage', async () => {
  const summary = 'L4: no damage: CREDENTIALS_REJECTED So it is.'
  expect(await after(ofActivity(said('CREDENTIALS_REJECTED')))).toEqual({ rung: 'content', outcome: 'failed', summary })
})

test('an abort stays one, and so does a defect', async () => {
  const abort = new CancelledFailure('aborted')
  await expect(after(abort)).rejects.toBe(abort)
  const aborted = ofActivity(abort)
  await expect(after(aborted)).rejects.toBe(aborted)
  const defect = new Error('a broken invariant')
  await expect(after(defect)).rejects.toBe(defect)
})

test('what the control says is passed on', async () => {
  const control: NegativeControl = { rung: 'content', outcome: 'noticed', summary: 'L4: a row: noticed' }
  expect(await orUnmade('content', async () => control)).toBe(control)
})
