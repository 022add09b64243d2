/** A loss that was allowed is held against the proof of the fence, too. */
import { statedAnew } from '../../activities/failover/stated'
import type { FailoverPlan } from '../../contracts/failover'

const beat = { at: '2026-11-30T10:00:00.000Z', lsn: '0/1800' }
const skew = { at: beat.at, aheadMs: 900, withinMs: 100 }
const plan = {
  allowedLossMs: 10_000,
  asks: null,
  digest: 'first',
  exposure: { beat, lossMsMax: 7_000, skew },
} as unknown as FailoverPlan

test('what was within the allowance when the source was declared dead is asked about where the fence was proven too late, under one digest', () => {
  expect(statedAnew(plan, beat, '2026-11-30T10:00:09.000Z')).toMatchObject({ asks: null, exposure: { lossMsMax: 10_000 } })
  const late = statedAnew(plan, beat, '2026-11-30T10:00:09.001Z')
  expect(late).toMatchObject({ asks: expect.stringContaining('10.0 s were allowed beforehand'), exposure: { lossMsMax: 10_001 } })
  expect(statedAnew(late, beat, '2026-11-30T10:00:09.001Z')).toEqual(late)
  expect(late.digest).not.toBe('first')
  const otherwise = { ...plan, asks: 'rows of public.audit go to no standby' }
  expect(statedAnew(otherwise, beat, '2026-11-30T10:00:09.001Z').asks).toContain('10.0 s were allowed beforehand')
  const approved = { ...plan, allowedLossMs: 5_000, asks: 'up to 7.0 s of writes may be lost, and 5.0 s were allowed beforehand' }
  expect(statedAnew(approved, beat, '2026-11-30T10:01:00.000Z').asks).toBeNull()
  expect(statedAnew(plan, null, '2026-11-30T10:00:01.000Z').asks).toContain('nobody knows what may be lost')
})
