import { judgeChecks } from '../../activities/backup/use'
import type { CheckResult } from '../../postgres/verify/checks'

const about = { kind: 'invariant', title: 'T', allowed: 'no violations', durationMs: 1 } as const
const held: CheckResult = { ...about, id: 'held', ok: true, measured: 0, message: 'T: none.' }
const refused = (sqlState: string): CheckResult => ({
  ...about,
  id: 'refused',
  ok: false,
  measured: null,
  message: `T: the query failed (SQLSTATE ${sqlState}).`,
  sqlState,
})

test.each(['57014', '53200', '55P03', '42501'])('a check that could not be made (%s) says nothing of the backup', (sqlState) => {
  const judged = judgeChecks([held, refused(sqlState)], 'app logs in')
  expect(judged).toMatchObject({ outcome: 'not-proven', findings: [] })
  expect(judged.summary).toContain(
    `app logs in, 1 of 2 declared checks hold; not made: T: the query failed (SQLSTATE ${sqlState}).`,
  )
})

test.each(['42P01', '42883', '42703', 'XX001'])('a check whose query does not fit what is there (%s) says no', (sqlState) => {
  const judged = judgeChecks([held, refused(sqlState), refused('57014')], 'app logs in')
  expect(judged).toMatchObject({ outcome: 'fail', findings: [{ rule: 'invariant:refused' }] })
})

test('violations say no, checks that all hold say yes, and none say nothing', () => {
  const violated: CheckResult = { ...about, id: 'violated', ok: false, measured: 2, message: 'T: found 2 rows.' }
  expect(judgeChecks([held, violated], '').outcome).toBe('fail')
  expect(judgeChecks([held], '').outcome).toBe('pass')
  expect(judgeChecks([], '').outcome).toBe('not-proven')
})

test('a role of the application that may not log in says no, and one that may is enough', () => {
  const app = (outcome: 'pass' | 'fail' | 'not-proven') => ({ user: 'app', outcome, message: 'app says so' })
  expect(judgeChecks([], 'own logs in', [app('pass')])).toMatchObject({ outcome: 'pass', findings: [] })
  expect(judgeChecks([held], 'own logs in', [app('fail')])).toMatchObject({
    outcome: 'fail',
    findings: [{ rule: 'login:app', message: 'app says so' }],
  })
  expect(judgeChecks([held], 'own logs in', [app('pass'), app('not-proven')]).outcome).toBe('not-proven')
})
