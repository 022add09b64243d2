import fc from 'fast-check'
import { momentOf } from '../../activities/backup/point'

const SECOND = fc.integer({ min: 1_600_000_000, max: 1_900_000_000 })

test('a random moment is a whole second of the window, and the same for the same operation', () => {
  fc.assert(
    fc.property(
      SECOND,
      fc.integer({ min: 1, max: 40_000_000 }),
      fc.integer({ min: 0, max: 999 }),
      fc.string(),
      (from, length, ms, id) => {
        const window = {
          earliest: new Date(from * 1_000 + ms).toISOString(),
          latest: new Date((from + length) * 1_000 + ms).toISOString(),
        }
        const at = momentOf(window, id)
        expect(at).toMatch(/\.000Z$/)
        expect(at >= window.earliest && at <= window.latest).toBe(true)
        expect(momentOf(window, id)).toBe(at)
      },
    ),
  )
})

test('operations meet different moments', () => {
  const window = { earliest: '2026-11-01T00:00:00.000Z', latest: '2026-11-29T00:00:00.000Z' }
  const met = new Set(Array.from({ length: 100 }, (_, n) => momentOf(window, `verify-${n}`)))
  expect(met.size).toBeGreaterThan(95)
})
