import { expectedBeats, type MarkedMoment } from '../../activities/backup/beats'
import { type Beat, judgeTarget } from '../../postgres/proof/heartbeat'

const second = (n: number): string => new Date(Date.UTC(2026, 10, 23, 3, 0, n)).toISOString()
const beat = (id: number, n: number): Beat => ({
  ...{ id, operation: 'verify', label: 'before', before: second(n), after: second(n) },
  lsn: '0/1',
})
const moment = (n: number, beats: readonly Beat[], held = beats): MarkedMoment => ({
  ...{ version: 1, at: second(n), instanceId: 'db-1' },
  beats,
  held,
})

test('a moment is proven by its own heartbeats and by those of other days', () => {
  const [first, own] = [
    moment(5, [beat(1, 3), beat(2, 7)]),
    moment(
      25,
      [beat(3, 23), beat(4, 27)],
      [1, 2, 3, 4].map((id) => beat(id, [3, 7, 23, 27][id - 1] ?? 0)),
    ),
  ]
  const found = [beat(1, 3), beat(2, 7), beat(3, 23)]
  const expected = expectedBeats([own, first], second(25), found)
  expect(judgeTarget({ at: second(25), expected, found })).toMatchObject({ findings: [], present: 3, absent: 1 })
  expect(judgeTarget({ at: second(25), expected, found: [beat(1, 3)] }).findings).toHaveLength(2)
})

test('heartbeats that somebody removed with their schema say nothing, and their numbers are no others', () => {
  const removed = moment(5, [beat(1, 3), beat(2, 7)])
  const own = moment(25, [beat(1, 23), beat(2, 27)])
  const found = [beat(1, 23)]
  const expected = expectedBeats([own, removed], second(25), found)
  expect(judgeTarget({ at: second(25), expected, found })).toMatchObject({ findings: [], present: 1, absent: 1 })
  // a copy from before the removal holds rows that bear the same numbers
  const earlier = [beat(1, 3), beat(2, 7)]
  expect(
    judgeTarget({ at: second(15), expected: expectedBeats([own, removed], second(15), earlier), found: earlier }),
  ).toMatchObject({
    findings: [],
  })
})

test('without a later mark nothing says that a heartbeat has to be there', () => {
  expect(expectedBeats([moment(5, [beat(1, 3), beat(2, 7)])], second(20), [])).toEqual([])
})
