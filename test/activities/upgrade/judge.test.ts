import { type BothSaid, judgeUpgraded, type Word } from '../../../activities/upgrade/judge'
import { refusal } from '../../conformance/support'

const MARK = 7
const WRITES: Word = { takesWrites: true, epoch: MARK, version: '17.4' }
const REFUSES: Word = { takesWrites: false, epoch: MARK, version: '15.9' }
const SILENT: Word = 'connection refused'
const shop = { named: { instance: 'shop' }, other: { instance: 'shop-old1' } }
const judged = (said: Pick<BothSaid, 'namedSaid' | 'otherSaid' | 'outcome'>, attempt = 1) =>
  judgeUpgraded({ ...shop, epoch: MARK, attempt, ...said })

const outcomes = [
  ['switched', 'green'],
  ['stayed', 'blue'],
] as const

test.each(outcomes)('both taking writes is told at once (%s)', (outcome) => {
  expect(() => judged({ namedSaid: WRITES, otherSaid: WRITES, outcome })).toThrow(
    refusal('FENCE_NOT_PROVEN', 'Both shop') as Error,
  )
})

test.each(outcomes)(
  'whoever bears the name is the writer where it takes a write and the other refuses one (%s)',
  (outcome, writer) => {
    expect(judged({ namedSaid: WRITES, otherSaid: REFUSES, outcome })).toMatchObject({ writer, other: 'refuses' })
  },
)

test.each(outcomes)('nobody is the writer while the name does not say so (%s)', (outcome) => {
  for (const namedSaid of [REFUSES, SILENT])
    for (const otherSaid of [REFUSES, SILENT, WRITES])
      expect(() => judged({ namedSaid, otherSaid, outcome }, 100)).toThrow(refusal('NOT_READY_YET') as Error)
})

test.each(outcomes)('a writer without the mark is told, whatever the other says (%s)', (outcome) => {
  const lacking = { ...WRITES, epoch: MARK - 1 }
  for (const otherSaid of [REFUSES, SILENT])
    expect(() => judged({ namedSaid: lacking, otherSaid, outcome }, 100)).toThrow(
      refusal('FENCE_NOT_PROVEN', 'lacks what was written') as Error,
    )
})

test('another one that stays silent is a doubt, and only after a while; one that is gone is not waited for', () => {
  const said = { namedSaid: WRITES, otherSaid: SILENT, outcome: 'switched' } as const
  expect(() => judged(said)).toThrow(refusal('NOT_READY_YET', 'shop-old1') as Error)
  expect(judged(said, 6)).toMatchObject({ writer: 'green', other: 'silent' })
  expect(judgeUpgraded({ ...shop, other: null, epoch: MARK, attempt: 1, ...said })).toMatchObject({ other: 'silent' })
})
