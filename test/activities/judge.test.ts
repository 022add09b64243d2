import { judge } from '../../activities/schema/judge'
import type { Limits } from '../../contracts/fleet'
import type { StatementRecord } from '../../postgres/observe/statement-observer'

const UNLIMITED: Limits = { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null }

function record(more: Partial<StatementRecord>): StatementRecord {
  const plain = {
    script: 'V7__total.sql',
    index: 2,
    line: 3,
    sql: 'ALTER TABLE orders ALTER total TYPE numeric',
    kind: 'ALTER TABLE',
  }
  return { ...plain, durationMs: 5, walBytes: 0, locks: [], rewrites: [], ...more }
}

const rewrite = record({
  durationMs: 3800,
  locks: [{ relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', heldMs: 3800, sampled: false }],
  rewrites: [{ relation: 'public.orders', rows: 300_214 }],
})

test('a rewrite of a hot table is a finding that says what it would have blocked', () => {
  const { findings, longestWriteBlockMs } = judge(
    { records: [rewrite], walBytes: 0, writesPerSecond: { 'public.orders': 412 } },
    { ...UNLIMITED, rewriteRowsMax: 10_000, writeBlockMsMax: 500 },
  )
  expect(findings).toEqual([
    expect.objectContaining({
      rule: 'rewrite',
      script: 'V7__total.sql',
      line: 3,
      measured: 300_214,
      allowed: 10_000,
      message:
        'rewrites 300,214 rows of public.orders, ACCESS EXCLUSIVE for 3.8 s, would have blocked about 1,566 writes; the policy allows 10,000 rows',
    }),
  ])
  expect(longestWriteBlockMs).toBe(3800)
})

test('a lock that blocks writes for too long is a finding even without a rewrite', () => {
  const held = record({ locks: [{ relation: 'public.orders', mode: 'SHARE', heldMs: 900, sampled: false }] })
  const { findings } = judge({ records: [held], walBytes: 0, writesPerSecond: {} }, { ...UNLIMITED, writeBlockMsMax: 500 })
  expect(findings.map(({ rule, measured }) => [rule, measured])).toEqual([['write-block', 900]])
})

test('a lock that lets writes through is never a finding', () => {
  const held = record({ locks: [{ relation: 'public.orders', mode: 'SHARE UPDATE EXCLUSIVE', heldMs: 90_000, sampled: true }] })
  const judged = judge({ records: [held], walBytes: 0, writesPerSecond: {} }, { ...UNLIMITED, writeBlockMsMax: 500 })
  expect(judged).toEqual({ findings: [], longestWriteBlockMs: 0 })
})

test('a limit is allowed to be reached, not passed', () => {
  const at = (limit: number) =>
    judge({ records: [rewrite], walBytes: limit, writesPerSecond: {} }, { ...UNLIMITED, walBytesMax: 1000 })
  expect(at(1000).findings).toEqual([])
  expect(at(1001).findings.map(({ rule }) => rule)).toEqual(['wal'])
})

test('without limits nothing is found, whatever it costs', () => {
  const judged = judge({ records: [rewrite], walBytes: 1e12, writesPerSecond: {} }, UNLIMITED)
  expect(judged.findings).toEqual([])
})

test('a rewrite is told with the lock that an earlier statement of its script took, and that lock is not told again', () => {
  const first = record({
    index: 1,
    line: 2,
    locks: [{ relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', heldMs: 3900, sampled: false }],
  })
  const { findings } = judge(
    { records: [first, { ...rewrite, locks: [] }], walBytes: 0, writesPerSecond: {} },
    { ...UNLIMITED, rewriteRowsMax: 10_000, writeBlockMsMax: 500 },
  )
  expect(findings).toHaveLength(1)
  expect(findings[0]?.message).toContain('ACCESS EXCLUSIVE for 3.9 s')
})
