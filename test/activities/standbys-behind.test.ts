/** Where nothing is pending: what a standby lacks in each state, and what becomes of it. */
import { lackedBy } from '../../activities/schema/standbys-behind'

const LINES = [
  { line: 1, script: 'V2__a.sql', checksum: 1 },
  { line: 2, script: 'V3__b.sql', checksum: 2 },
]
const at = (line: number, deferred = 0, files: readonly string[] = []) => ({ lines: LINES, bound: { line, deferred }, files })

test('who follows, or copies, gets what it lacks; who is paused, broken or switching is named', () => {
  for (const state of ['following', 'late', 'copying'] as const)
    expect(lackedBy(state, at(1))).toEqual({ does: 'carry-over', why: 'it lacks V3__b.sql' })
  for (const state of ['paused', 'broken', 'switching'] as const)
    expect(lackedBy(state, at(1))).toEqual({ does: 'wait', why: `it is ${state}, and lacks V3__b.sql` })
})

test('a file of rows is lacking by the history alone, and nothing is where both agree', () => {
  expect(lackedBy('following', at(2, 0, ['V4__rows.sql']))).toEqual({ does: 'carry-over', why: 'it lacks V4__rows.sql' })
  expect(lackedBy('copying', at(2))).toBeNull()
})

test('tables that were not copied at the last line are lacking still', () => {
  expect(lackedBy('following', at(2, 3))).toEqual({
    does: 'wait',
    why: 'it lacks the rows of 3 tables, which were not copied at its last line',
  })
  expect(lackedBy('following', at(1, 3))?.does).toBe('carry-over')
})
