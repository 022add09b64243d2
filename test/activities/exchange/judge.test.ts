import { type BothSaid, judgeWriter, type Word, wordOfRoles } from '../../../activities/exchange/judge'
import { refusal } from '../../conformance/support'

const MARK = 7
const sides = { source: { instance: 'shop' }, standby: { instance: 'shop-west' } }
const WRITES: Word = { replays: false, epoch: MARK }
const REPLAYS: Word = { replays: true, epoch: MARK }
const SILENT: Word = 'connection refused'
const judged = (said: Pick<BothSaid, 'old' | 'next' | 'cloudSays' | 'givenUp'>, attempt = 1) =>
  judgeWriter({ sides, epoch: MARK, attempt, ...said })

const outcomes = ['exchanged', 'stayed', null] as const

test.each(outcomes)('both taking writes is told at once, whatever the cloud says (%s)', (cloudSays) => {
  expect(() => judged({ old: WRITES, next: WRITES, cloudSays })).toThrow(
    refusal('FENCE_NOT_PROVEN', 'Both shop and shop-west') as Error,
  )
})

test.each(outcomes)(
  'the replica is the writer where it takes writes and the old one replays, whatever the cloud says (%s)',
  (cloudSays) => {
    expect(judged({ old: REPLAYS, next: WRITES, cloudSays })).toMatchObject({ writer: 'standby', other: 'follows' })
  },
)

test.each(outcomes)('a new writer without the mark is told, whatever the cloud says (%s)', (cloudSays) => {
  const lacking = { replays: false, epoch: MARK - 1 }
  for (const old of [REPLAYS, SILENT])
    expect(() => judged({ old, next: lacking, cloudSays }, 100)).toThrow(
      refusal('FENCE_NOT_PROVEN', 'lacks what was written') as Error,
    )
})

test('an old writer that stays silent is believed to the cloud alone, and only after a while', () => {
  const said = { old: SILENT, next: WRITES }
  expect(() => judged({ ...said, cloudSays: 'exchanged' })).toThrow(refusal('NOT_READY_YET', 'The old writer shop') as Error)
  expect(judged({ ...said, cloudSays: 'exchanged' }, 6)).toMatchObject({ writer: 'standby', other: 'silent' })
  for (const cloudSays of ['stayed', null] as const)
    expect(() => judged({ ...said, cloudSays }, 100)).toThrow(refusal('NOT_READY_YET') as Error)
})

test('the source is the writer as before only where it says so and the cloud does not say otherwise', () => {
  expect(judged({ old: WRITES, next: REPLAYS, cloudSays: 'stayed' })).toMatchObject({ writer: 'source', other: 'follows' })
  expect(judged({ old: WRITES, next: SILENT, cloudSays: 'stayed' })).toMatchObject({ writer: 'source', other: 'silent' })
  expect(judged({ old: WRITES, next: REPLAYS, cloudSays: null })).toMatchObject({ writer: 'source' })
  expect(() => judged({ old: WRITES, next: SILENT, cloudSays: null }, 100)).toThrow(refusal('NOT_READY_YET') as Error)
  expect(() => judged({ old: WRITES, next: REPLAYS, cloudSays: 'exchanged' }, 100)).toThrow(refusal('NOT_READY_YET') as Error)
})

test.each(outcomes)('nobody is the writer while neither says so (%s)', (cloudSays) => {
  for (const old of [REPLAYS, SILENT])
    for (const next of [REPLAYS, SILENT])
      expect(() => judged({ old, next, cloudSays }, 100)).toThrow(refusal('NOT_READY_YET') as Error)
})

describe('of a source that is given up', () => {
  const of = (isFenced: boolean, said: Pick<BothSaid, 'old' | 'next' | 'cloudSays'>, attempt = 1) =>
    judgeWriter({ sides, epoch: null, givenUp: { isFenced }, attempt, ...said })

  test('a proven fence is word enough that it takes none, and nothing is claimed of what was never written', () => {
    const said = { old: SILENT, next: { replays: false, epoch: 0 }, cloudSays: 'exchanged' } as const
    expect(of(true, said)).toEqual({
      ...{ version: 1, writer: 'standby', other: 'silent' },
      evidence: ['shop-west takes writes', `shop did not say: ${SILENT}`],
    })
    expect(() => of(false, said)).toThrow(refusal('NOT_READY_YET') as Error)
    expect(of(false, said, 6)).toMatchObject({ writer: 'standby', other: 'silent' })
  })

  test('nobody is the writer where the cloud says that it came to nothing, and the replica follows as before', () => {
    const said = { old: SILENT, next: REPLAYS, cloudSays: 'stayed' } as const
    expect(of(true, said)).toMatchObject({ writer: 'none', other: 'silent' })
    expect(of(true, { ...said, old: REPLAYS })).toMatchObject({ writer: 'none', other: 'follows' })
    expect(() => of(false, said)).toThrow(refusal('NOT_READY_YET') as Error)
    expect(of(false, said, 6)).toMatchObject({ writer: 'none' })
    expect(of(true, { ...said, old: WRITES })).toMatchObject({ writer: 'source' })
    for (const cloudSays of ['exchanged', null] as const)
      expect(() => of(true, { ...said, cloudSays }, 100)).toThrow(refusal('NOT_READY_YET') as Error)
    expect(() => of(true, { ...said, next: SILENT }, 100)).toThrow(refusal('NOT_READY_YET') as Error)
  })
})

describe('a side with an address for each role', () => {
  const word = (asWriter: Word, asReplica: Word, nobodysWriter = false) => wordOfRoles({ asWriter, asReplica, nobodysWriter })

  test('writes where either says so, and follows where its writer’s address does', () => {
    for (const nobodysWriter of [true, false]) {
      expect(word(WRITES, REPLAYS, nobodysWriter)).toBe(WRITES)
      expect(word(SILENT, WRITES, nobodysWriter)).toBe(WRITES)
      expect(word(REPLAYS, SILENT, nobodysWriter)).toBe(REPLAYS)
      expect(word(SILENT, SILENT, nobodysWriter)).toBe(SILENT)
    }
  })

  test('follows by its readers’ word only where its cloud says that nobody writes there: its writer may stand still', () => {
    expect(word(SILENT, REPLAYS, true)).toBe(REPLAYS)
    expect(word(SILENT, REPLAYS)).toEqual(expect.stringContaining(SILENT as string))
    for (const cloudSays of ['stayed', null] as const)
      expect(() => judged({ old: word(SILENT, REPLAYS), next: WRITES, cloudSays }, 100)).toThrow(
        refusal('NOT_READY_YET') as Error,
      )
  })
})
