import type { AnsweredLook } from '../../contracts/find-moment'
import { nextOf } from '../../workflows/find-moment/next-of'

const between = {
  earliest: '2026-11-20T10:00:00.000Z',
  latest: '2026-11-20T10:01:00.000Z',
  resolutionMs: 60_000,
}
const look = (at: string, good: boolean, role: string): AnsweredLook => ({ at, good, role })

test('answers of one role say when it was', () => {
  expect(nextOf({ ...between, looks: [] })).toMatchObject({ kind: 'look', at: between.earliest })
  const looks = [look(between.earliest, true, 'migrator'), look(between.latest, false, 'migrator')]
  expect(nextOf({ ...between, looks })).toEqual({ kind: 'found', lastGood: between.earliest, firstBad: between.latest })
})

test('nothing follows from the answers of two roles, whatever they say', () => {
  for (const good of [true, false]) {
    const looks = [look(between.earliest, true, 'master'), look(between.latest, good, 'migrator')]
    expect(nextOf({ ...between, looks })).toEqual({ kind: 'other-role', at: between.latest, role: 'migrator', before: 'master' })
  }
})
