import { holdOf, patienceOf } from '../../../activities/switchover/hold'
import type { PauseFacts, PoolerFacts } from '../../../contracts/endpoint'

const facts = (more: Partial<PauseFacts> = {}): PauseFacts => ({
  ...{ kind: 'pgbouncer', poolers: [{} as PoolerFacts], objections: [], waitMsMax: 120_000, waitMsAfter: 1_000 },
  ...more,
})

test('clients wait where their poolers are patient enough for all that may come, the drain in full', () => {
  expect(holdOf(facts(), 30_000)).toEqual({ holds: true, warnings: [] })
  expect(holdOf(facts({ waitMsMax: null }), 3_600_000).holds).toBe(true)
  const { holds, warnings } = holdOf(facts({ waitMsMax: 54_000 }), 30_000)
  expect(holds).toBe(false)
  expect(warnings[0]?.message).toContain('waited for 54 s (query_wait_timeout), and it may take 54 s')
  expect(holdOf(facts({ waitMsMax: 54_001 }), 30_000).holds).toBe(true)
})

test('what stands against a pause is warned of, and an endpoint that has none is not', () => {
  const { holds, warnings } = holdOf(facts({ objections: ['It is of sessions.'] }), 1_000)
  expect([holds, warnings[0]?.message]).toEqual([false, expect.stringContaining('disconnected when the source closes. It is of')])
  expect(holdOf(facts({ kind: 'lab-router', poolers: [], waitMsMax: null, waitMsAfter: 0 }), 1)).toEqual({
    holds: false,
    warnings: [],
  })
})

test('what is left of their patience ends before it, and never says that nothing is left to wait for', () => {
  expect(patienceOf(facts({ waitMsMax: null }))()).toBe(Number.POSITIVE_INFINITY)
  expect(patienceOf(facts())()).toBeLessThanOrEqual(101_000)
  expect(patienceOf(facts({ waitMsMax: 5_000 }))()).toBe(1)
})
