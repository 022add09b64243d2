import fc from 'fast-check'
import { type KeptSnapshot, planGenerations } from '../../activities/snapshot/generations'
import type { GenerationPolicy } from '../../contracts/fleet'
import { bucketOf, endOf, GENERATIONS, longestHours } from '../../contracts/generations'

const POLICY: GenerationPolicy = { daily: 7, weekly: 4, monthly: 12, yearly: 2 }
const DAY_MS = 86_400_000
const START = Date.parse('2026-01-01T00:00:00.000Z')

const policies = fc.record({
  daily: fc.integer({ min: 1, max: 14 }),
  weekly: fc.integer({ min: 0, max: 8 }),
  monthly: fc.integer({ min: 0, max: 14 }),
  yearly: fc.integer({ min: 0, max: 3 }),
})
/** Mostly a day or so apart; now and then nothing for weeks, and now and then the clock goes back. */
const gaps = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 2 * DAY_MS }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 70 * DAY_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: -40 * DAY_MS, max: 0 }) },
)
const instants = fc.array(gaps, { minLength: 1, maxLength: 80 }).map((all) => {
  let at = START
  return all.map((gap) => {
    at += gap
    return new Date(at).toISOString()
  })
})

interface Taken extends KeptSnapshot {
  readonly expiresAt: string
}

/** Takes one after the other; what is over when the next one is taken has been removed. */
function take(policy: GenerationPolicy, at: readonly string[]): { all: Taken[]; left: Taken[] } {
  const all: Taken[] = []
  let left: Taken[] = []
  for (const takenAt of at) {
    left = left.filter(({ expiresAt }) => expiresAt > takenAt)
    const made = { takenAt, expiresAt: planGenerations(policy, takenAt, left).expiresAt }
    all.push(made)
    left.push(made)
  }
  return { all, left }
}

test('each week, month and year that had a snapshot has one that is kept as long as its generation asks, and it is the first', () => {
  fc.assert(
    fc.property(policies, instants, (policy, at) => {
      const { all } = take(policy, at)
      for (const generation of GENERATIONS) {
        if (policy[generation] === 0) continue
        const seen = new Set<number>()
        for (const { takenAt, expiresAt } of all) {
          const bucket = bucketOf(generation, takenAt)
          if (!seen.has(bucket)) expect(expiresAt >= endOf(generation, takenAt, policy)).toBe(true)
          seen.add(bucket)
        }
      }
    }),
  )
})

test('every one is kept its days, none longer than the longest generation', () => {
  fc.assert(
    fc.property(policies, instants, (policy, at) => {
      for (const { takenAt, expiresAt } of take(policy, at).all) {
        expect(expiresAt >= endOf('daily', takenAt, policy)).toBe(true)
        expect(Date.parse(expiresAt) - Date.parse(takenAt)).toBeLessThanOrEqual(longestHours(policy) * 3_600_000)
      }
    }),
  )
})

test('what is older than its days is bounded, however many were taken', () => {
  fc.assert(
    fc.property(policies, instants, (policy, at) => {
      const sorted = [...at].sort()
      const now = sorted.at(-1) ?? ''
      const { left } = take(policy, sorted)
      const old = left.filter(({ takenAt, expiresAt }) => expiresAt > now && endOf('daily', takenAt, policy) <= now)
      const { weekly, monthly, yearly } = policy
      // The weeks that begin in the last four are five, and so on.
      const most = [weekly, monthly, yearly].reduce((sum, count) => sum + (count === 0 ? 0 : count + 1), 0)
      expect(old.length).toBeLessThanOrEqual(most)
    }),
  )
})

test('the order in which the earlier ones are listed does not matter', () => {
  const shuffled = instants.chain((at) => {
    const { left } = take(POLICY, at)
    return fc.tuple(fc.constant(at), fc.constant(left), fc.shuffledSubarray(left, { minLength: left.length }))
  })
  fc.assert(
    fc.property(shuffled, ([at, left, other]) => {
      const now = at.at(-1) ?? ''
      expect(planGenerations(POLICY, now, other)).toEqual(planGenerations(POLICY, now, left))
    }),
  )
})

const kept = (takenAt: string, expiresAt: string | null): KeptSnapshot => ({ takenAt, expiresAt })
const namesOf = (takenAt: string, earlier: readonly KeptSnapshot[] = []): string[] =>
  planGenerations(POLICY, takenAt, earlier).generations.map(({ generation }) => generation)

describe('which generations one is of', () => {
  test.each([
    ['the very first', '2026-11-29T03:00:00.000Z', [], ['daily', 'weekly', 'monthly', 'yearly']],
    [
      'the next day, in the same week',
      '2026-11-27T03:00:00.000Z',
      [kept('2026-11-26T03:00:00.000Z', '2028-11-26T03:00:00.000Z')],
      ['daily'],
    ],
    [
      'the Monday after',
      '2026-11-30T00:00:00.000Z',
      [kept('2026-11-26T03:00:00.000Z', '2028-11-26T03:00:00.000Z')],
      ['daily', 'weekly'],
    ],
    [
      'the 3rd, after two missed days',
      '2026-12-03T03:00:00.000Z',
      [kept('2026-11-26T03:00:00.000Z', '2028-11-26T03:00:00.000Z')],
      ['daily', 'weekly', 'monthly'],
    ],
    [
      'one after another that is kept too short for its month',
      '2026-11-27T03:00:00.000Z',
      [kept('2026-11-26T03:00:00.000Z', '2026-12-03T03:00:00.000Z')],
      ['daily', 'weekly', 'monthly', 'yearly'],
    ],
    ['one after another that is kept for good', '2026-11-27T03:00:00.000Z', [kept('2026-11-26T03:00:00.000Z', null)], ['daily']],
  ])('%s', (_what, takenAt, earlier, generations) => {
    expect(namesOf(takenAt, earlier)).toEqual(generations)
  })
})

test.each([
  ['monthly', '2026-01-31T03:00:00.000Z', 1, '2026-02-28T03:00:00.000Z'],
  ['monthly', '2026-11-30T03:00:00.000Z', 3, '2027-02-28T03:00:00.000Z'],
  ['monthly', '2026-03-31T03:00:00.000Z', 12, '2027-03-31T03:00:00.000Z'],
  ['yearly', '2028-02-29T03:00:00.000Z', 1, '2029-02-28T03:00:00.000Z'],
  ['weekly', '2026-11-29T03:00:00.000Z', 4, '2026-12-27T03:00:00.000Z'],
] as const)('%s of %s, %i of them: until %s', (generation, takenAt, count, until) => {
  expect(endOf(generation, takenAt, { ...POLICY, [generation]: count })).toBe(until)
})
