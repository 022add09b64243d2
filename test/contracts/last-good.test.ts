/** The last good moment is found with as few looks as halving takes, and no moment is made up where there is none. */
import fc from 'fast-check'
import { type Look, type SoughtAnswer, seekLastGood } from '../../contracts/last-good'

const iso = (ms: number) => new Date(ms).toISOString()
const START = Date.parse('2026-11-23T00:00:00Z')

/** Looks wherever it is told to, until there is an answer. */
function seek(window: { ms: number; resolutionMs: number }, isGood: (ms: number) => boolean) {
  const looks: Look[] = []
  let promised: number | null = null
  for (;;) {
    const answer: SoughtAnswer = seekLastGood({
      earliest: iso(START),
      latest: iso(START + window.ms),
      resolutionMs: window.resolutionMs,
      looks,
    })
    if (answer.kind !== 'look') return { answer, looks, promised: promised ?? 0 }
    promised ??= answer.looksLeft
    if (looks.length > 100 || looks.some(({ at }) => at === answer.at)) throw new Error(`looks at ${answer.at} once more`)
    looks.push({ at: answer.at, good: isGood(Date.parse(answer.at) - START) })
  }
}

const windowArb = fc.record({
  ms: fc.integer({ min: 1, max: 40 * 86_400_000 }),
  resolutionMs: fc.integer({ min: 1, max: 3_600_000 }),
})

test('wherever it went bad, the moments around it are found, as near as asked, in no more looks than promised', () => {
  fc.assert(
    fc.property(windowArb, fc.double({ min: 0, max: 1, noNaN: true }), (window, where) => {
      const wentBad = 1 + Math.floor(where * (window.ms - 1))
      const { answer, looks, promised } = seek(window, (ms) => ms < wentBad)
      if (answer.kind !== 'found') throw new Error(answer.kind)
      const [good, bad] = [Date.parse(answer.lastGood) - START, Date.parse(answer.firstBad) - START]
      expect(good < wentBad && wentBad <= bad).toBe(true)
      expect(bad - good).toBeLessThanOrEqual(window.resolutionMs)
      expect(looks.length).toBeLessThanOrEqual(promised)
      expect(promised).toBeLessThanOrEqual(2 + Math.max(0, Math.ceil(Math.log2(window.ms / window.resolutionMs))))
    }),
    { numRuns: 1_000 },
  )
})

test('in whole seconds it looks at whole seconds', () => {
  const { looks } = seek({ ms: 7 * 86_400_000, resolutionMs: 1_000 }, (ms) => ms < 123_456_789)
  expect(looks.filter(({ at }) => !at.endsWith('.000Z'))).toEqual([])
  expect(looks.length).toBeGreaterThan(15)
})

test('a predicate that is never true, one that never turns, and one that turns back are findings', () => {
  const window = { ms: 1_000_000, resolutionMs: 1_000 }
  expect(seek(window, () => false)).toMatchObject({ answer: { kind: 'never-good', at: iso(START) }, looks: { length: 1 } })
  expect(seek(window, () => true)).toMatchObject({
    answer: { kind: 'still-good', at: iso(START + 1_000_000) },
    looks: { length: 2 },
  })
  const looks = [0, 500, 300, 1_000].map((at) => ({ at: iso(START + at * 1_000), good: at === 0 || at === 500 }))
  expect(seekLastGood({ earliest: iso(START), latest: iso(START + window.ms), resolutionMs: 1_000, looks })).toEqual({
    kind: 'not-monotone',
    bad: iso(START + 300_000),
    goodAgain: iso(START + 500_000),
  })
})

test('whatever is told in whatever order, contradictions are never answered with a moment', () => {
  const lookArb = fc.record({ ms: fc.integer({ min: 0, max: 1_000 }), good: fc.boolean() })
  fc.assert(
    fc.property(fc.array(lookArb, { maxLength: 12 }), (told) => {
      const looks = told.map(({ ms, good }) => ({ at: iso(START + ms), good }))
      const answer = seekLastGood({ earliest: iso(START), latest: iso(START + 1_000), resolutionMs: 10, looks })
      const turnsBack = told.some((bad) => !bad.good && told.some((good) => good.good && good.ms >= bad.ms))
      expect(answer.kind === 'not-monotone').toBe(turnsBack)
    }),
    { numRuns: 1_000 },
  )
})
