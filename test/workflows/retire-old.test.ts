import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure, TimeoutType } from '@temporalio/common'
import { answered, keptStill } from '../../workflows/retire-old/answers'

const ofActivity = (cause: Error) =>
  new ActivityFailure('an activity failed', 'lookIntoOld', '1', RetryState.TIMEOUT, 'worker', cause)

test.each([TimeoutType.SCHEDULE_TO_START, TimeoutType.SCHEDULE_TO_CLOSE])(
  'where no worker answers (%s), whoever asks about an instance that was replaced is told so',
  async (timeout) => {
    const unclaimed = ofActivity(new TimeoutFailure('nobody took it', undefined, timeout))
    const failed = answered('stock', () => Promise.reject(unclaimed))
    await expect(failed).rejects.toMatchObject({ type: 'NOT_READY_YET', message: expect.stringContaining('lookIntoOld') })
    await expect(failed).rejects.toMatchObject({ nonRetryable: true, message: expect.stringContaining('removing stock') })
  },
)

test('what a worker said is passed on, a refusal as well', async () => {
  expect(await answered('stock', async () => 'closed')).toBe('closed')
  const refused = ofActivity(ApplicationFailure.nonRetryable('No.', 'CLOUD_REFUSED'))
  await expect(answered('stock', () => Promise.reject(refused))).rejects.toBe(refused)
})

test('its time speaks against its removal until it is over, and for ever where somebody said so', () => {
  const until = '2030-01-02T03:04:05.000Z'
  const end = Date.parse(until)
  expect(keptStill(until, end - 1)).toEqual([`Its time is not over: it is kept until ${until}.`])
  expect(keptStill(until, end)).toEqual([])
  expect(keptStill(null, end)).toEqual(['It is kept for good, as somebody said.'])
})
