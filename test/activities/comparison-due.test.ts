import fc from 'fast-check'
import { isDue, overAt } from '../../activities/replication/comparison-due'
import type { StandbyComparisons, StandbyRecord } from '../../contracts/standby'
import { LOOK, RECORD, STATES } from '../postgres/replicate/watch/looks'

const EVERY = 86_400_000
const BEGAN = Date.parse('2026-11-30T00:00:00.000Z')
const compare = { everyMs: EVERY, withinMs: 3_600_000 }
const NOTHING: StandbyComparisons = {
  ...{ since: new Date(BEGAN).toISOString(), askedAt: null, running: null, last: null, equalAt: null },
}
const record = (more: Partial<StandbyRecord> = {}, compared: Partial<StandbyComparisons> = {}): StandbyRecord => ({
  ...{ ...RECORD, look: LOOK, declared: { ...RECORD.declared, compare } },
  compared: { ...NOTHING, ...compared },
  ...more,
})
const running = { since: NOTHING.since, tables: 0, tablesDone: 0 }

test('each standby has a turn of its own in every period, and one turn is one comparison', () => {
  const dueFrom = (target: string): number => {
    const first = Array.from({ length: 25 }, (_, hour) => hour).find((hour) =>
      isDue(record({ target }), BEGAN + hour * 3_600_000),
    )
    return first ?? Number.NaN
  }
  const turns = Array.from({ length: 20 }, (_, n) => dueFrom(`stand-${n}`))
  expect(turns.every((hour) => hour >= 0 && hour <= 24)).toBe(true)
  expect(new Set(turns).size).toBeGreaterThan(5)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 * EVERY }), (after) => {
      const now = BEGAN + EVERY + after
      const last = { startedAt: new Date(now).toISOString() } as StandbyComparisons['last']
      expect(isDue(record(), now)).toBe(true)
      expect(isDue(record({}, { last }), now)).toBe(false)
      expect(isDue(record({}, { last }), now + EVERY)).toBe(true)
    }),
  )
})

test('nothing is due while it does not follow, or waits for a migration; what was begun goes on, and what is asked for needs no clock', () => {
  const due = (more: Partial<StandbyRecord>, compared: Partial<StandbyComparisons> = {}) => isDue(record(more, compared), BEGAN)
  const without = { declared: RECORD.declared }
  for (const state of STATES) expect(due({ state }, { askedAt: NOTHING.since })).toBe(state === 'following')
  const waiting = { look: { ...LOOK, findings: [{ rule: 'waits-for-migration', message: 'V7__x.sql' }] } }
  expect(due(waiting, { running })).toBe(false)
  expect(due(without)).toBe(false)
  expect(due(without, { running })).toBe(true)
  expect(due(without, { askedAt: NOTHING.since })).toBe(true)
  expect(isDue({ ...record(), ...without }, BEGAN + 9 * EVERY)).toBe(false)
  expect(overAt(record(), NOTHING.since)).toBe(BEGAN + 3_600_000)
  expect(overAt(record(without), NOTHING.since)).toBe(BEGAN + 6 * 3_600_000)
})
