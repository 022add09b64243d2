/** What is repeated here, and what is left to the caller. */
import { attempted } from '../../clouds/attempts'
import { canonicalNetwork, rangeOf } from '../../clouds/networks'
import { type FailureCode, type FailureFacts, failure } from '../../contracts/failures'
import { options, refusal } from '../conformance/support'

const failing = (code: FailureCode, facts: FailureFacts = {}) => {
  const act = Object.assign(
    async () => {
      act.times += 1
      throw failure(code, 'no', facts)
    },
    { times: 0 },
  )
  return act
}

test.each([
  ['question', 'CLOUD_THROTTLED', 3],
  ['question', 'CLOUD_UNREACHABLE', 3],
  ['change', 'CLOUD_THROTTLED', 3],
  // It may have been done.
  ['change', 'CLOUD_UNREACHABLE', 1],
  ['question', 'CLOUD_REFUSED', 1],
] as const)('a %s that fails with %s is made %d times', async (kind, code, times) => {
  const act = failing(code, { retryAfterMs: 1 })
  await expect(attempted(kind, options, act)).rejects.toEqual(refusal(code))
  expect(act.times).toBe(times)
})

test('without credentials nothing is repeated: to look for them takes seconds, and the caller comes again', async () => {
  const act = failing('CLOUD_UNREACHABLE', { credentials: 'none' })
  await expect(attempted('question', options, act)).rejects.toEqual(refusal('CLOUD_UNREACHABLE'))
  expect(act.times).toBe(1)
})

test('a wait that is long is left to the caller, who is told how long', async () => {
  const act = failing('CLOUD_THROTTLED', { retryAfterMs: 60_000 })
  await expect(attempted('change', options, act)).rejects.toMatchObject({ facts: { retryAfterMs: 60_000 } })
  expect(act.times).toBe(1)
})

test('an abort ends the wait between two attempts', async () => {
  const stop = new AbortController()
  const act = failing('CLOUD_THROTTLED', { retryAfterMs: 2_500 })
  const ended = expect(attempted('question', { signal: stop.signal }, act)).rejects.toThrow('stopped')
  setTimeout(() => stop.abort(new Error('stopped')), 20)
  await ended
  expect(act.times).toBe(1)
})

test.each([
  ['10.1.2.3', '10.1.2.3', '10.1.2.3', '10.1.2.3/32'],
  ['10.1.2.3/24', '10.1.2.0', '10.1.2.255', '10.1.2.0/24'],
  ['203.0.113.77/31', '203.0.113.76', '203.0.113.77', '203.0.113.76/31'],
  ['0.0.0.0/0', '0.0.0.0', '255.255.255.255', '0.0.0.0/0'],
])('the network %s is from %s to %s, and is written %s', (network, first, last, canonical) => {
  expect(rangeOf(network)).toEqual({ first, last })
  expect(canonicalNetwork(network)).toBe(canonical)
})

test.each(['', '10.1.2', '10.1.2.256', '10.1.2.3/33', '10.1.2.3/24/8', 'fe80::1', 'sg-1', '10.1.2.-1', '1e1.0.0.0'])(
  '"%s" is no network',
  (network) => {
    expect(() => rangeOf(network)).toThrow('is no IPv4 network')
  },
)
