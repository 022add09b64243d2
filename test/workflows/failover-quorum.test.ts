import { hostname } from 'node:os'
import { vantageOf } from '../../activities/failover/vantage'
import type { ProbeOutcome } from '../../contracts/failover'
import { placesOf, verdictOf } from '../../workflows/failover/quorum'

const of = (...outcomes: ProbeOutcome[]) => verdictOf(outcomes.map((outcome, at) => ({ outcome, from: `worker ${at}` })))

test.each<[string, ProbeOutcome[], string]>([
  ['all met silence', ['silent', 'silent', 'silent'], 'dead'],
  ['one worker is away', ['silent', 'silent', 'unknown'], 'dead'],
  ['one alone met silence: its own path may be cut', ['silent', 'unknown', 'unknown'], 'ill'],
  ['one alone, and nobody else was asked', ['silent'], 'ill'],
  ['as many do not know as met silence', ['silent', 'silent', 'unknown', 'unknown'], 'ill'],
  ['somebody was answered, the others were not', ['silent', 'silent', 'silent', 'answered'], 'ill'],
  ['somebody was served, whatever the others met', ['silent', 'silent', 'silent', 'served'], 'healthy'],
  ['nobody could ask', ['unknown', 'unknown', 'unknown'], 'ill'],
  ['nobody was asked', [], 'ill'],
])('%s', (_what, outcomes, verdict) => {
  expect(of(...outcomes)).toBe(verdict)
})

/** Workers of several queues in one process, or behind one address, and what else was asked. */
const at = (outcome: ProbeOutcome, from: string, via = 'control, 10.0.0.2') => ({ outcome, from, via })

test('workers that leave one machine by one address are one witness, however many they are', () => {
  const workers = ['postgres', 'aws', 'azure', 'gcp'].map((from) => at('silent', from))
  expect([verdictOf(workers), placesOf(workers)]).toEqual(['ill', { places: 1, silent: 1 }])
  const unknown = [...workers, at('unknown', 'the standby', 'the standby')]
  expect([verdictOf(unknown), placesOf(unknown)]).toEqual(['ill', { places: 2, silent: 1 }])
  const agreed = [...workers, at('silent', 'the standby', 'the standby')]
  expect([verdictOf(agreed), placesOf(agreed)]).toEqual(['dead', { places: 2, silent: 2 }])
  expect(verdictOf([at('silent', 'aws'), at('silent', 'gcp', 'gcp, 10.9.0.2')])).toBe('dead')
})

test('what one place meets is the best that any of its probes met', () => {
  expect(verdictOf([at('unknown', 'postgres'), at('silent', 'aws'), at('silent', 'the standby', 'the standby')])).toBe('dead')
  expect(verdictOf([at('answered', 'postgres'), at('silent', 'aws'), at('silent', 'the standby', 'the standby')])).toBe('ill')
  expect(verdictOf([at('served', 'postgres'), at('silent', 'aws')])).toBe('healthy')
})

test('containers with names of their own are one place where their operator says so', () => {
  const [alone, given] = [{ sourceAddress: null }, { sourceAddress: '10.0.0.2', vantage: 'docker-compose' }]
  expect(vantageOf(alone)).toBe(hostname())
  expect(vantageOf({ sourceAddress: '10.0.0.2' })).toBe(`${hostname()}, 10.0.0.2`)
  expect(vantageOf(given)).toBe('docker-compose')
  const workers = ['postgres', 'aws', 'gcp'].map((from) => at('silent', from, vantageOf(given)))
  expect(verdictOf([...workers, at('unknown', 'the standby', 'the standby')])).toBe('ill')
})
