import type { NegativeControl, PlannedRung, Rung, RungId, VerificationPlanSummary } from '../../contracts/verify-backup'
import { RUNGS } from '../../contracts/verify-backup'
import { judge } from '../../workflows/verify-backup/judge'

function planOf(
  promised: readonly RungId[],
  objectives = { rpoMs: null, rtoMs: null } as VerificationPlanSummary['objectives'],
): VerificationPlanSummary {
  const rungs = RUNGS.map((id): PlannedRung => ({ id, promised: promised.includes(id), why: `why ${id}` }))
  const about = { digest: 'd', instance: 'i', instanceId: 'db-1', engineVersion: '17', takenBy: null } as const
  return { ...about, point: { kind: 'now' }, turn: null, since: null, inertCopy: 'before-first-start', rungs, objectives }
}

const rung = (id: RungId, outcome: Rung['outcome'] = 'pass'): Rung => ({
  id,
  outcome,
  findings: outcome === 'fail' ? [{ rule: id, message: 'no' }] : [],
  summary: '',
  durationMs: 1,
})
const all = (outcome: Partial<Record<RungId, Rung['outcome']>> = {}) => RUNGS.map((id) => rung(id, outcome[id] ?? 'pass'))
const rto = { provisionMs: 2_000, verifyMs: 1_000, totalMs: 3_000 }
const measured = { rpoMs: 4_000, rto, controls: [] }

test('every promised rung that passed is a pass, whatever was not promised', () => {
  const ladder = all({ reached: 'not-proven' })
  const plan = planOf(RUNGS.filter((id) => id !== 'reached'))
  expect(judge({ plan, ladder, ...measured })).toMatchObject({ verdict: 'pass', proven: true, missed: [] })
})

test('a promised rung that proves nothing is no pass', () => {
  const plan = planOf(RUNGS)
  expect(judge({ plan, ladder: all({ content: 'not-proven' }), ...measured })).toMatchObject({
    verdict: 'inconclusive',
    proven: false,
  })
})

test('a promised rung that nobody came to is no pass, and is on the ladder', () => {
  const judged = judge({ plan: planOf(RUNGS), ladder: [rung('exists')], ...measured })
  expect(judged).toMatchObject({ verdict: 'inconclusive', proven: false })
  expect(judged.ladder.map(({ id, outcome, summary }) => [id, outcome, summary])).toContainEqual([
    'use',
    'not-proven',
    'not come to',
  ])
})

test.each(['reached', 'content', 'use'] as const)('without a word of the content nothing is proven; %s is one', (id) => {
  const silent = { reached: 'not-proven', content: 'not-proven', use: 'not-proven' } as const
  const plan = planOf(['exists', 'answers', 'intact'])
  const judged = judge({ plan, ladder: all(silent), ...measured })
  expect(judged).toMatchObject({ verdict: 'inconclusive', proven: false, lacking: expect.stringContaining('its content') })
  expect(judge({ plan, ladder: all({ ...silent, [id]: 'pass' }), ...measured })).toMatchObject({
    verdict: 'pass',
    proven: true,
    lacking: null,
  })
})

test.each(RUNGS)('%s that says no is a fail, promised or not', (id) => {
  const judged = judge({ plan: planOf([]), ladder: all({ [id]: 'fail' }), ...measured })
  expect(judged).toMatchObject({ verdict: 'fail', proven: false })
})

test('a missed objective is a fail with a backup that is proven', () => {
  const plan = planOf(RUNGS, { rpoMs: 3_999, rtoMs: 2_999 })
  const { verdict, proven, missed } = judge({ plan, ladder: all(), ...measured })
  expect({ verdict, proven }).toEqual({ verdict: 'fail', proven: true })
  expect(missed).toEqual([
    expect.objectContaining({ rule: 'objective:rpo', measured: 4_000, allowed: 3_999 }),
    expect.objectContaining({ rule: 'objective:rto', measured: 3_000, allowed: 2_999 }),
  ])
})

test('an objective that is just kept, or that nobody could measure, is not missed', () => {
  const plan = planOf(RUNGS, { rpoMs: 4_000, rtoMs: 3_000 })
  expect(judge({ plan, ladder: all(), ...measured }).missed).toEqual([])
  expect(judge({ plan, ladder: all(), rpoMs: null, rto: null, controls: [] }).missed).toEqual([])
})

const control = (outcome: NegativeControl['outcome']): NegativeControl => ({ rung: 'content', outcome, summary: 'L4: a row' })

test('damage that nobody noticed makes every rung worthless, and no backup bad', () => {
  const judged = judge({ plan: planOf(RUNGS), ladder: all(), ...measured, controls: [control('missed')] })
  expect(judged).toMatchObject({ verdict: 'inconclusive', proven: false, lacking: expect.stringContaining('at fault') })
  expect(judged.blind).toEqual([{ rule: 'control:content', message: expect.stringContaining('L4 says proves nothing') }])
  const failed = judge({ plan: planOf(RUNGS), ladder: all({ use: 'fail' }), ...measured, controls: [control('missed')] })
  expect(failed.verdict).toBe('fail')
})

test.each(['noticed', 'not-made', 'failed'] as const)('damage that was %s takes nothing from a proof', (outcome) => {
  const judged = judge({ plan: planOf(RUNGS), ladder: all(), ...measured, controls: [control(outcome)] })
  expect(judged).toMatchObject({ verdict: 'pass', proven: true, blind: [] })
})
