import { type TurnQuestion, turnOf } from '../../activities/backup/turns'

const AWS = { fromSnapshot: 'before-first-start', toTime: 'before-first-start' } as const
const GOOGLE = { fromSnapshot: 'before-first-start', toTime: 'after-start' } as const
const AZURE = { fromSnapshot: 'after-start', toTime: 'after-start' } as const
const ASKED: TurnQuestion = { last: null, hasSnapshot: true, hasWindow: true, inertCopy: AWS, vouchedFor: false }
const turn = (more: Partial<TurnQuestion>) => turnOf({ ...ASKED, ...more }).wanted.kind

test.each([
  ['AWS', AWS, false, ['newest', 'random']],
  ['Google Cloud', GOOGLE, false, ['newest', 'now']],
  ['Azure', AZURE, false, ['now', 'now']],
  ['Google Cloud, vouched for', GOOGLE, true, ['newest', 'random']],
  ['Azure, vouched for', AZURE, true, ['newest', 'random']],
])('on %s both take turns as far as a copy is inert', (_cloud, inertCopy, vouchedFor, kinds) => {
  const after = (last: TurnQuestion['last']) => turn({ inertCopy, vouchedFor, last })
  expect([after('moment'), after('snapshot')]).toEqual(kinds)
  expect([after('now'), after(null)]).toEqual([kinds[0], kinds[0]])
})

test('what is not there misses its turn', () => {
  expect(turn({ hasSnapshot: false, last: 'moment' })).toBe('random')
  expect(turn({ hasWindow: false, last: 'snapshot' })).toBe('newest')
  expect(turn({ hasWindow: false, hasSnapshot: false })).toBe('newest')
  expect(turn({ hasWindow: false, hasSnapshot: false, inertCopy: AZURE })).toBe('now')
})

test('why it is a moment of its own is said', () => {
  expect(turnOf({ ...ASKED, inertCopy: GOOGLE, last: 'snapshot' }).why).toMatch(
    /after a snapshot; one of its own, since .* nobody vouches/,
  )
})
