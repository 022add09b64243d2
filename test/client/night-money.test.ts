/** The night's money: as a choice, as runs that come and go, and out of a real ledger. */
import fc from 'fast-check'
import { answerTo, NightPurse, payInOrder } from '../../client/night-money'
import type { Quote } from '../../client/night-quote'
import { boundIn, type Spending, spentSince } from '../../client/night-spending'
import { reportVerifications } from '../../client/verification-report'
import { byAge, type FleetCandidate, type LeftOut, verifyInTurns } from '../../client/verify-fleet'
import type { DatabaseEntry, NightMoney } from '../../contracts/fleet'
import type { OperationDocument, OperationStatus } from '../../contracts/operation'
import { VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import { fleetEntry } from './fleet-entry'
import { withLedger } from './with-ledger'

const HOUR_MS = 3_600_000
const money = (microsPerNight: number): NightMoney => ({ microsPerNight, currency: 'EUR', nightMs: 12 * HOUR_MS })
const names = (entries: readonly DatabaseEntry[]): string[] => entries.map(({ name }) => name)

interface Asked {
  readonly entry: DatabaseEntry
  readonly lastAt: string | null
  readonly quote: Quote
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
          ...{ money: money(night), spent: { settledMicros: gone, boundMicros: bound }, restoresPerRun: most },
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
      ...{ money: money(100), restoresPerRun: null, quote: async () => ({ atMostMicros: 60 }) },
      look: async () => ({ ...none, ...spent }),
    }).admit(entry)
  expect(await admit({})).toBe('admitted')
  expect(await admit({ settledMicros: 40 })).toBe('admitted')
  expect(await admit({ settledMicros: 41 })).toMatchObject({ needsSomebody: false, why: expect.stringContaining('this night') })
  expect(await admit({ bound: new Map([['other', 41]]) })).toBe('wait')
  const unknown = [{ operation: 'verify-other', database: 'other', why: 'what verify-other costs nobody knows' }]
  expect(await admit({ unknown })).toMatchObject({ database: 'shop', needsSomebody: true, why: unknown[0]?.why })
  const purse = new NightPurse({
    ...{ money: money(100), restoresPerRun: null, quote: async () => ({ atMostMicros: 60 }) },
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

test('a record that was left behind counts beside the run that this process began of the same database', async () => {
  const admits = async (bound: Record<string, number>, begun: string | null) => {
    const quotes: Record<string, number> = { shop: 40, next: 30 }
    const seen: [string, number][] = []
    const purse = new NightPurse({
      ...{ money: money(100), restoresPerRun: null, quote: async ({ name }) => ({ atMostMicros: quotes[name] ?? 0 }) },
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
    ...{ money: money(100), restoresPerRun: 1, quote: async () => ({ atMostMicros: 60 }), look: async () => none },
  })
  const entry = fleetEntry('shop')
  expect(purse.limited(entry)).toBe(entry)
  await purse.admit(entry)
  expect(purse.limited(entry).verification).toEqual({ costMicrosMax: 60 })
  expect(await purse.admit(fleetEntry('next'))).toMatchObject({ why: 'beyond 1 restores a run; its turn comes' })
  expect(answerTo({ atMostMicros: 50 }, money(100), { settledMicros: 25, boundMicros: 25 })).toBe('fits')
  expect(answerTo({ atMostMicros: 51 }, money(100), { settledMicros: 25, boundMicros: 25 })).toBe('wait')
})

describe('out of the ledger', () => {
  const it = withLedger()
  const NOW = Date.parse('2026-11-29T06:00:00.000Z')
  const SINCE = NOW - 12 * HOUR_MS
  const ago = (hours: number): string => new Date(NOW - hours * HOUR_MS).toISOString()
  const prices = {
    ...{ currency: 'EUR', classMicrosPerHour: { large: 1_000_000 }, storageMicrosPerGibMonth: 0 },
    ...{ billedSecondsMin: 600, billedSecondsStep: 1 },
  }
  const priced = (name: string): DatabaseEntry => ({ ...fleetEntry(name), prices, verification: { hoursMax: 6 } })

  interface Life {
    readonly startedHours: number
    /** Null: it goes on. */
    readonly endedHours: number | null
    readonly status: OperationStatus
    readonly mode?: 'plan' | 'apply'
    /** Hours ago; null: no copy was asked for. */
    readonly copy?: { readonly from: number; readonly to: number | null } | null
    readonly instanceClass?: string | null
    /** Of its plan's price; left out: it had none. */
    readonly currency?: string
  }

  async function ran(id: string, database: string, life: Life) {
    const { startedHours, endedHours, status, mode = 'apply', copy = null, instanceClass = 'large', currency } = life
    const bundle = await it.ledger.putBundle({ version: 1, database: fleetEntry(database), migrations: [] })
    const about = { kind: 'verify-backup', databases: [database], cloud: 'aws', environment: 'test', mode } as const
    await it.ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt: ago(startedHours), bundle })
    if (instanceClass !== null) {
      const { classMicrosPerHour: _, ...terms } = prices
      const rate = { ...terms, instanceClass, classMicrosPerHour: 3_000_000, sizeGib: 20, currency }
      const copied = { name: `cap-${id}-copy`, instanceClass, sizeGib: 20 }
      const document = { copy: copied, withinMs: 6 * HOUR_MS, ...(currency !== undefined && { cost: { rate } }) }
      await it.ledger.putDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.plan, document })
    }
    if (copy !== null) {
      const removedAt = copy.to === null ? null : ago(copy.to)
      const resource = { operation: id, cloud: 'aws', kind: 'instance', name: `cap-${id}-copy`, expiresAt: null }
      await it.ledger.recordResource({ ...resource, createdAt: ago(copy.from), removedAt })
    }
    await it.ledger.setStatus({ operation: id, status, ...(endedHours !== null && { finishedAt: ago(endedHours) }) })
  }

  const spent = (...databases: string[]): Promise<Spending> =>
    spentSince(it.ledger, databases.map(priced), { since: SINCE, now: NOW, currency: 'EUR' })

  test('what ended this night is spent by the time its copy was there, whatever it came to and whoever asked for it', async () => {
    await ran('spent-a', 'a', { startedHours: 5, endedHours: 3, status: 'succeeded', copy: { from: 5, to: 3 } })
    await ran('spent-b', 'a', { startedHours: 3, endedHours: 2, status: 'failed', copy: { from: 3, to: 2 } })
    await ran('other-night', 'a', { startedHours: 20, endedHours: 13, status: 'succeeded', copy: { from: 20, to: 13 } })
    await ran('over-midnight', 'a', { startedHours: 15, endedHours: 11, status: 'aborted', copy: { from: 15, to: 11 } })
    await ran('no-copy', 'a', { startedHours: 2, endedHours: 2, status: 'failed' })
    expect(await spent('a')).toEqual({ ...none, settledMicros: 7_000_000 })
    await ran('begins', 'no-prices', { startedHours: 0, endedHours: null, status: 'running', instanceClass: null })
    const bare = await spentSince(it.ledger, [fleetEntry('no-prices')], { since: SINCE, now: NOW, currency: 'EUR' })
    expect(bare).toMatchObject({ unknown: [], unpriced: [{ operation: 'begins' }] })
    expect(await spent('not-in-the-fleet')).toEqual(none)
  })

  test('what goes on is bound for what it may cost, or has cost where that is more, and a plan costs nothing', async () => {
    await ran('goes-on', 'b', { startedHours: 2, endedHours: null, status: 'running', copy: { from: 2, to: null } })
    await ran('stuck', 'c', { startedHours: 300, endedHours: null, status: 'needs-operator', copy: { from: 300, to: null } })
    await ran('only-planned', 'd', { startedHours: 1, endedHours: 1, status: 'planned', mode: 'plan' })
    await ran('is-planning', 'd', { startedHours: 1, endedHours: null, status: 'running', mode: 'plan', instanceClass: null })
    const { settledMicros, bound, unknown } = await spent('b', 'c', 'd')
    expect([settledMicros, Object.fromEntries(bound), unknown]).toEqual([0, { 'goes-on': 6_000_000, stuck: 300_000_000 }, []])
  })

  test('one that plans, or waits for its lock, is taken for as dear as the newest plan says', async () => {
    await ran('planned-before', 'i', { startedHours: 50, endedHours: 50, status: 'planned', mode: 'plan' })
    await ran('waits', 'i', { startedHours: 1, endedHours: null, status: 'running', instanceClass: null })
    const { bound, unknown } = await spent('i')
    expect([Object.fromEntries(bound), unknown]).toEqual([{ waits: 6_000_000 }, []])
  })

  test('what nobody can reckon is told, and what has no price any more is reckoned by its plan’s own', async () => {
    await ran('just-begun', 'e', { startedHours: 0, endedHours: null, status: 'running', instanceClass: null })
    await ran('unpriced', 'f', {
      startedHours: 3,
      endedHours: 1,
      status: 'succeeded',
      copy: { from: 3, to: 1 },
      instanceClass: 'huge',
    })
    await ran('long-dead', 'g', { startedHours: 40, endedHours: null, status: 'running', instanceClass: null })
    const over = { startedHours: 3, endedHours: 1, status: 'succeeded', copy: { from: 3, to: 1 }, instanceClass: 'huge' } as const
    await ran('priced-then', 'j', { ...over, currency: 'EUR' })
    await ran('other-money', 'j', { ...over, currency: 'USD' })
    const { settledMicros, unknown, unpriced } = await spent('e', 'f', 'g', 'j')
    expect(settledMicros).toBe(6_000_000)
    expect(unknown.map(({ why }) => why)).toEqual([
      'what just-begun costs nobody knows: neither it nor its database has a plan yet; ask again once it has one',
    ])
    const noPrice = 'the fleet file has no price for huge in aws eu-central-1'
    expect(unpriced.map(({ why }) => why).sort()).toEqual([
      `what other-money costs nobody knows: ${noPrice}`,
      `what unpriced costs nobody knows: ${noPrice}`,
    ])
  })

  test('one that no night pays for, or that has no price, is an alert by its newest plan', async () => {
    await ran('dear', 'h', { startedHours: 30, endedHours: 29, status: 'planned', mode: 'plan' })
    const alerts = async (entry: DatabaseEntry, microsPerNight: number) => {
      const verification = { money: money(microsPerNight) }
      const [standing] = await reportVerifications(it.ledger, { databases: [entry], verification }, NOW)
      return (standing?.alerts ?? []).map(({ code, message }) => `${code}: ${message}`)
    }
    expect(await alerts(priced('h'), 6_000_000)).toEqual([])
    const [beyond, ...more] = await alerts(priced('h'), 5_999_999)
    expect([beyond, more]).toEqual([expect.stringContaining('beyond-budget: No night'), []])
    expect(beyond).toContain('it costs 6.00 EUR at most, and a whole night has 6.00 EUR')
    expect(await alerts(fleetEntry('h'), 6_000_000)).toEqual([expect.stringContaining('price-missing')])
    expect(await alerts(priced('never-planned'), 1)).toEqual([])
  })
})
