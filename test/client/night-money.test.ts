/** The night's money: as a choice, and as runs that come and go. */
import fc from 'fast-check'
import { answerTo, NightPurse, payInOrder } from '../../client/night-money'
import type { Quote, Unplanned } from '../../client/night-quote'
import { boundIn, type Spending } from '../../client/night-spending'
import { byAge, type FleetCandidate, type LeftOut, verifyInTurns } from '../../client/verify-fleet'
import type { DatabaseEntry, NightMoney } from '../../contracts/fleet'
import type { OperationDocument } from '../../contracts/operation'
import { fleetEntry } from './fleet-entry'

const HOUR_MS = 3_600_000
const money = (microsPerNight: number): NightMoney => ({ microsPerNight, currency: 'EUR', nightMs: 12 * HOUR_MS })
const names = (entries: readonly DatabaseEntry[]): string[] => entries.map(({ name }) => name)

interface Asked {
  readonly entry: DatabaseEntry
  readonly lastAt: string | null
  readonly quote: Quote
  /** By an earlier plan; left out: there was none. */
  readonly last?: Quote
  /** Of what it may cost: what it comes to. */
  readonly share: number
}

const asked = fc
  .array(
    fc.record({
      hours: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: null }),
      region: fc.constantFrom('eu-central-1', 'us-east-1'),
      atMost: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 150 }) }, { weight: 1, arbitrary: fc.constant(null) }),
      share: fc.integer({ min: 0, max: 100 }),
    }),
    { maxLength: 12 },
  )
  .map((all) =>
    all.map(
      ({ hours, region, atMost, share }, at): Asked => ({
        entry: fleetEntry(`db-${at}`, { region }),
        lastAt: hours === null ? null : new Date(Date.UTC(2026, 10, 29) - hours * HOUR_MS).toISOString(),
        quote: atMost === null ? { lacking: 'no price' } : { atMostMicros: atMost },
        share,
      }),
    ),
  )
const budget = fc.integer({ min: 1, max: 300 })
const atMostOf = (quote: Quote | undefined): number =>
  quote === undefined || 'lacking' in quote ? Number.NaN : quote.atMostMicros
const inOrder = (all: readonly Asked[]): DatabaseEntry[] =>
  byAge(all.map(({ entry, lastAt }): FleetCandidate => ({ entry, lastAt, running: null }))).map(({ entry }) => entry)

test('what is chosen never costs more than the money that is left, in the order of age, and nobody is lost', () => {
  fc.assert(
    fc.property(
      asked,
      budget,
      fc.nat(100),
      fc.nat(100),
      fc.option(fc.integer({ min: 1, max: 5 })),
      (all, night, gone, bound, most) => {
        const quotes = new Map(all.map(({ entry, quote }) => [entry.name, quote]))
        const order = inOrder(all)
        const { chosen, left, boundMicros } = payInOrder(order, {
          ...{ money: money(night), spent: { settledMicros: gone, boundMicros: bound, unknown: [] }, restoresPerRun: most },
          quoteFor: ({ name }) => quotes.get(name) ?? null,
        })
        const cost = chosen.reduce((sum, { name }) => sum + atMostOf(quotes.get(name)), 0)
        expect(cost === 0 || cost + gone + bound <= night).toBe(true)
        expect(boundMicros).toBe(cost + bound)
        expect(names(chosen)).toEqual(names(order).filter((name) => names(chosen).includes(name)))
        expect([...names(chosen), ...left.map(({ database }) => database)].sort()).toEqual(names(order).sort())
        expect(chosen.length).toBeLessThanOrEqual(most ?? all.length)
      },
    ),
  )
})

const none: Spending = { settledMicros: 0, bound: new Map(), unknown: [], unpriced: [] }

const documentOf = (database: string): OperationDocument => ({
  ...{ version: 1, id: `verify-${database}`, kind: 'verify-backup', databases: [database], status: 'succeeded', verdict: 'pass' },
  ...{ requestedBy: 'ada', startedAt: '2026-11-29T03:00:00.000Z', finishedAt: null, planDigest: null, failure: null },
  ...{ steps: [], evidence: null },
})

/** A night on which each run costs its share of what it may. */
async function night(all: readonly Asked[], { microsPerNight, copiesAtOnce }: { microsPerNight: number; copiesAtOnce: number }) {
  const find = (name: string): Asked => all.find(({ entry }) => entry.name === name) ?? fail(name)
  const begun: string[] = []
  const left: LeftOut[] = []
  let [settledMicros, mostAtRisk] = [0, 0]
  const bound = new Map<string, number>()
  const purse = new NightPurse({
    ...{ money: money(microsPerNight), restoresPerRun: null },
    quote: async ({ name }) => find(name).quote,
    lastQuote: async ({ name }) => find(name).last ?? null,
    look: async () => ({ ...none, settledMicros, bound: new Map(bound) }),
  })
  const runs = await verifyInTurns(inOrder(all), {
    ...{
      copiesAtOnce,
      purse,
      signal: new AbortController().signal,
      onRun: () => undefined,
      onLeft: (one) => void left.push(one),
    },
    verify: async ({ name }) => {
      const { quote, share } = find(name)
      begun.push(name)
      purse.begins(fleetEntry(name), `verify-${name}`)
      // The record has it a little later than the process.
      await new Promise((resolve) => setImmediate(resolve))
      bound.set(`verify-${name}`, atMostOf(quote))
      mostAtRisk = Math.max(mostAtRisk, settledMicros + boundIn({ bound }))
      await new Promise((resolve) => setImmediate(resolve))
      bound.delete(`verify-${name}`)
      settledMicros += Math.floor((atMostOf(quote) * share) / 100)
      return documentOf(name)
    },
  })
  return { begun, left, mostAtRisk, runs }
}

function fail(name: string): never {
  throw new Error(`${name} was not asked for`)
}

test('whatever the runs come to, at no time is more than the night’s money spent and bound, and nobody is lost', async () => {
  await fc.assert(
    fc.asyncProperty(asked, budget, fc.integer({ min: 1, max: 3 }), async (all, microsPerNight, copiesAtOnce) => {
      const { begun, left, mostAtRisk, runs } = await night(all, { microsPerNight, copiesAtOnce })
      expect(mostAtRisk).toBeLessThanOrEqual(microsPerNight)
      expect([...begun, ...left.map(({ database }) => database)].sort()).toEqual(names(inOrder(all)).sort())
      expect(runs).toHaveLength(begun.length)
      // In each region by age; and what needs somebody is what no night pays for.
      for (const region of ['eu-central-1', 'us-east-1']) {
        const of = inOrder(all).filter((entry) => entry.region === region && begun.includes(entry.name))
        expect(begun.filter((name) => names(of).includes(name))).toEqual(names(of))
      }
      const never = all.filter(({ quote }) => !(atMostOf(quote) <= microsPerNight)).map(({ entry }) => entry.name)
      expect(
        left
          .filter(({ needsSomebody }) => needsSomebody)
          .map(({ database }) => database)
          .sort(),
      ).toEqual(never.sort())
    }),
    { numRuns: 60 },
  )
})

const askedFor = (name: string, lastAt: string | null, atMostMicros: number, share = 10): Asked => ({
  ...{ entry: fleetEntry(name), lastAt, share },
  quote: { atMostMicros },
})

test('the oldest waits for what others give back, and none passes it by meanwhile', async () => {
  const all = [
    askedFor('oldest', null, 60),
    askedFor('large', '2026-11-01T03:00:00.000Z', 60),
    askedFor('small', '2026-11-20T03:00:00.000Z', 10),
  ]
  const { begun, left } = await night(all, { microsPerNight: 100, copiesAtOnce: 3 })
  expect([begun, left]).toEqual([['oldest', 'large', 'small'], []])
})

test('one that this night cannot pay for leaves its money to the next, and one that no night can is named', async () => {
  const all = [
    askedFor('too-large', null, 101),
    askedFor('spends', '2026-11-01T03:00:00.000Z', 100, 50),
    askedFor('another-night', '2026-11-02T03:00:00.000Z', 60),
    askedFor('small', '2026-11-03T03:00:00.000Z', 50),
  ]
  const { begun, left } = await night(all, { microsPerNight: 100, copiesAtOnce: 1 })
  expect(begun).toEqual(['spends', 'small'])
  expect(left.map(({ database, needsSomebody }) => [database, needsSomebody])).toEqual([
    ['too-large', true],
    ['another-night', false],
  ])
})

test('what is bound for somebody else’s runs is waited for by nobody, and what nobody knows stops all', async () => {
  const entry = fleetEntry('shop')
  const admit = (spent: Partial<Spending>) =>
    new NightPurse({
      ...{ money: money(100), restoresPerRun: null, quote: async () => ({ atMostMicros: 60 }), lastQuote: async () => null },
      look: async () => ({ ...none, ...spent }),
    }).admit(entry)
  expect(await admit({})).toBe('admitted')
  expect(await admit({ settledMicros: 40 })).toBe('admitted')
  expect(await admit({ settledMicros: 41 })).toMatchObject({ needsSomebody: false, why: expect.stringContaining('this night') })
  expect(await admit({ bound: new Map([['other', 41]]) })).toBe('wait')
  const unknown = [{ operation: 'verify-other', database: 'other', why: 'what verify-other costs nobody knows' }]
  expect(await admit({ unknown })).toMatchObject({ database: 'shop', needsSomebody: true, why: unknown[0]?.why })
  const purse = new NightPurse({
    ...{ money: money(100), restoresPerRun: null, quote: async () => ({ atMostMicros: 60 }), lastQuote: async () => null },
    look: async () => ({ ...none, bound: new Map([['other', 41]]) }),
  })
  const left: LeftOut[] = []
  const runs = await verifyInTurns([entry], {
    ...{
      copiesAtOnce: 1,
      purse,
      signal: new AbortController().signal,
      onRun: () => undefined,
      onLeft: (one) => void left.push(one),
    },
    verify: async () => fail('it was begun'),
  })
  expect([runs, left.map(({ why }) => why)]).toEqual([[], [expect.stringContaining('bound for runs that go on')]])
})

test('one of which no plan can be made is not begun, and the ledger spares a plan of what this night cannot pay for', async () => {
  const planned: string[] = []
  const admit = (name: string, last: Quote | null, asked: Quote | Unplanned) =>
    new NightPurse({
      ...{ money: money(100), restoresPerRun: null, lastQuote: async () => last },
      quote: async () => {
        planned.push(name)
        return asked
      },
      look: async () => ({ ...none, settledMicros: 50 }),
    }).admit(fleetEntry(name))
  const failed = await admit('broken', null, { unplanned: 'plan-a is failed, SNAPSHOT_NOT_FOUND: there is none' })
  expect(failed).toEqual({
    ...{ database: 'broken', needsSomebody: true },
    why: 'no plan of it could be made: plan-a is failed, SNAPSHOT_NOT_FOUND: there is none',
  })
  const spared = await admit('spared', { atMostMicros: 60 }, { atMostMicros: 40 })
  expect(spared).toMatchObject({ needsSomebody: false, why: expect.stringContaining('and this night has') })
  expect(await admit('scaled-down', { atMostMicros: 160 }, { atMostMicros: 40 })).toBe('admitted')
  expect(await admit('priced-since', { lacking: 'no price' }, { atMostMicros: 40 })).toBe('admitted')
  expect(await admit('as-before', { atMostMicros: 40 }, { atMostMicros: 40 })).toBe('admitted')
  expect(planned).toEqual(['broken', 'scaled-down', 'priced-since', 'as-before'])
})

test('a plan promises none that would not be begun: behind one that waits, or while nobody knows what another costs', () => {
  const all = [askedFor('first', null, 60), askedFor('large', '2026-11-01', 60), askedFor('small', '2026-11-20', 10)]
  const plan = (spent: Partial<Parameters<typeof payInOrder>[1]['spent']>) => {
    const { chosen, left } = payInOrder(inOrder(all), {
      ...{ money: money(100), spent: { settledMicros: 0, boundMicros: 0, unknown: [], ...spent }, restoresPerRun: null },
      quoteFor: ({ name }) => all.find(({ entry }) => entry.name === name)?.quote ?? null,
    })
    return [names(chosen), left.map(({ database, needsSomebody }) => [database, needsSomebody])]
  }
  expect(plan({})).toEqual([
    ['first'],
    [
      ['large', false],
      ['small', false],
    ],
  ])
  // Nobody waits for what is bound for others alone, here as when they are begun.
  expect(plan({ boundMicros: 50 })).toEqual([
    ['small'],
    [
      ['first', false],
      ['large', false],
    ],
  ])
  const unknown = [{ operation: 'verify-other', database: 'other', why: 'nobody knows' }]
  expect(plan({ unknown })).toEqual([
    [],
    [
      ['first', true],
      ['large', true],
      ['small', true],
    ],
  ])
})

test('a record that was left behind counts beside the run that this process began of the same database', async () => {
  const admits = async (bound: Record<string, number>, begun: string | null) => {
    const quotes: Record<string, number> = { shop: 40, next: 30 }
    const seen: [string, number][] = []
    const purse = new NightPurse({
      ...{ money: money(100), restoresPerRun: null, quote: async ({ name }) => ({ atMostMicros: quotes[name] ?? 0 }) },
      lastQuote: async () => null,
      look: async () => ({ ...none, bound: new Map(seen) }),
    })
    expect(await purse.admit(fleetEntry('shop'))).toBe('admitted')
    seen.push(...Object.entries(bound))
    if (begun !== null) purse.begins(fleetEntry('shop'), begun)
    return purse.admit(fleetEntry('next'))
  }
  expect(await admits({ dead: 40 }, 'own')).toBe('wait')
  expect(await admits({ dead: 40 }, null)).toBe('wait')
  expect(await admits({ dead: 30, own: 40 }, 'own')).toBe('admitted')
  expect(await admits({ own: 40 }, 'own')).toBe('admitted')
})

test('a run is held to what was bound for it, and what fits is what is neither spent nor bound', async () => {
  const purse = new NightPurse({
    ...{
      money: money(100),
      restoresPerRun: 1,
      quote: async () => ({ atMostMicros: 60 }),
      lastQuote: async () => null,
      look: async () => none,
    },
  })
  const entry = fleetEntry('shop')
  expect(purse.limited(entry)).toBe(entry)
  await purse.admit(entry)
  expect(purse.limited(entry).verification).toEqual({ costMicrosMax: 60 })
  expect(await purse.admit(fleetEntry('next'))).toMatchObject({ why: 'beyond 1 restores a run; its turn comes' })
  expect(answerTo({ atMostMicros: 50 }, money(100), { settledMicros: 25, boundMicros: 25 })).toBe('fits')
  expect(answerTo({ atMostMicros: 51 }, money(100), { settledMicros: 25, boundMicros: 25 })).toBe('wait')
})
