import fc from 'fast-check'
import { affordableMs, type CopyRate, copyRate, costOf, costOfCopies } from '../../contracts/copy-cost'
import { parseMicros, shownMoney } from '../../contracts/money'
import { fleetEntry } from './fleet-entry'

const HOUR_MS = 3_600_000

const rate = fc.record<CopyRate>({
  currency: fc.constant('EUR'),
  instanceClass: fc.constant('db.m6g.large'),
  classMicrosPerHour: fc.integer({ min: 1, max: 10_000_000_000 }),
  storageMicrosPerGibMonth: fc.integer({ min: 0, max: 10_000_000_000 }),
  sizeGib: fc.integer({ min: 1, max: 262_144 }),
  billedSecondsMin: fc.integer({ min: 1, max: 86_400 }),
  billedSecondsStep: fc.integer({ min: 1, max: 86_400 }),
})
const time = fc.integer({ min: 1_000, max: 168 * HOUR_MS })

test('an amount is read by its digits, and nothing else is an amount', () => {
  expect(['0.193', '20', '0.1', '0.000001'].map(parseMicros)).toEqual([193_000, 20_000_000, 100_000, 1])
  expect(['-1', '1e3', '1e-7', 'NaN', 'Infinity', '', '.5', '1.', '0.0000001', '9999999999', '1,5'].map(parseMicros)).toEqual(
    Array(11).fill(null),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (micros) => {
      const text = `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`
      return parseMicros(text) === micros
    }),
  )
})

test('an amount is shown with two to four decimals, and never as less than it is', () => {
  expect([0, 1, 193_000, 12_300_000, 1_234_567, 999_999_999].map((micros) => shownMoney(micros, 'EUR'))).toEqual([
    ...['0.00 EUR', '0.0001 EUR', '0.193 EUR', '12.30 EUR', '1.2346 EUR', '1000.00 EUR'],
  ])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (micros) => {
      const shown = parseMicros(shownMoney(micros, 'EUR').split(' ')[0] ?? '')
      return shown !== null && shown >= micros && shown < micros + 100
    }),
  )
})

test('a copy costs its class and its storage for the time that is billed', () => {
  const one: CopyRate = {
    ...{ currency: 'EUR', instanceClass: 'c', classMicrosPerHour: 360_000, storageMicrosPerGibMonth: 67_200, sizeGib: 100 },
    ...{ billedSecondsMin: 600, billedSecondsStep: 1 },
  }
  // 0.36 an hour, and 100 GiB at 0.0672 a month of 672 hours, which is 0.01 an hour.
  expect(costOf(one, HOUR_MS)).toBe(370_000)
  // Ten minutes at least.
  expect([0, 1, 600_000].map((ms) => costOf(one, ms))).toEqual(Array(3).fill(61_667))
  expect(costOf(one, 600_001)).toBe(61_770)
  expect(costOf({ ...one, billedSecondsStep: 3_600 }, HOUR_MS + 1)).toBe(740_000)
  const lives = [
    { createdAt: '2026-11-29T03:00:00.000Z', removedAt: '2026-11-29T04:00:00.000Z' },
    { createdAt: '2026-11-29T04:00:00.000Z', removedAt: null },
  ]
  expect(costOfCopies(one, lives, Date.parse('2026-11-29T05:00:00.000Z'))).toBe(740_000)
})

test('what is there for longer costs no less, and two copies no less than one of both times', () => {
  fc.assert(fc.property(rate, time, time, (one, a, b) => costOf(one, Math.max(a, b)) >= costOf(one, Math.min(a, b))))
  fc.assert(fc.property(rate, time, time, (one, a, b) => costOf(one, a) + costOf(one, b) >= costOf(one, a + b)))
})

test('the time that money pays for costs no more than it, and a second more does or is not asked for', () => {
  fc.assert(
    fc.property(rate, time, fc.integer({ min: 0, max: 100_000_000_000 }), (one, withinMs, micros) => {
      const paid = affordableMs(one, micros, withinMs)
      if (paid === null) return costOf(one, 1_000) > micros
      return costOf(one, paid) <= micros && paid <= withinMs && (paid === withinMs || costOf(one, paid + 1_000) > micros)
    }),
  )
})

test('what has no price is told by name, and is never nothing', () => {
  const prices = {
    ...{ currency: 'EUR', classMicrosPerHour: { 'db.m6g.large': 193_000 }, storageMicrosPerGibMonth: 137_000 },
    ...{ billedSecondsMin: 600, billedSecondsStep: 1 },
  }
  const entry = { ...fleetEntry('shop'), prices }
  expect(copyRate(fleetEntry('shop'), { instanceClass: 'db.m6g.large', sizeGib: 20 })).toEqual({
    lacking: 'the fleet file has no prices for aws eu-central-1',
  })
  for (const instanceClass of ['db.r6g.large', 'constructor', '__proto__', '']) {
    expect(copyRate(entry, { instanceClass, sizeGib: 20 })).toEqual({
      lacking: `the fleet file has no price for ${instanceClass} in aws eu-central-1`,
    })
  }
  const grows = { instanceClass: 'db.m6g.large', sizeGib: null }
  expect(copyRate(entry, grows)).toEqual({ lacking: expect.stringContaining('verification.volumeGib') })
  expect(copyRate({ ...entry, verification: { volumeGib: 50 } }, grows)).toMatchObject({ sizeGib: 50 })
})
