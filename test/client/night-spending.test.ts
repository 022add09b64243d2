/** What of a night's money is gone and bound, out of a real ledger. */
import { type Spending, spentSince } from '../../client/night-spending'
import { reportVerifications } from '../../client/verification-report'
import type { DatabaseEntry, NightMoney } from '../../contracts/fleet'
import type { OperationStatus } from '../../contracts/operation'
import { VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import { fleetEntry } from './fleet-entry'
import { withLedger } from './with-ledger'

const HOUR_MS = 3_600_000
const money = (microsPerNight: number): NightMoney => ({ microsPerNight, currency: 'EUR', nightMs: 12 * HOUR_MS })
const none: Spending = { settledMicros: 0, bound: new Map(), unknown: [], unpriced: [] }

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
  /** Of the copy of a snapshot that it verifies; left out: at home. */
  readonly region?: string
}

async function ran(id: string, database: string, life: Life) {
  const { startedHours, endedHours, status, mode = 'apply', copy = null, instanceClass = 'large', currency, region } = life
  const verify = { kind: 'snapshot', snapshot: 'nightly', ...(region !== undefined && { region }) } as const
  const bundle = await it.ledger.putBundle({ version: 1, database: fleetEntry(database), migrations: [], verify })
  const about = { kind: 'verify-backup', databases: [database], cloud: 'aws', environment: 'test', mode } as const
  await it.ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt: ago(startedHours), bundle })
  if (instanceClass !== null) {
    const { classMicrosPerHour: _, ...terms } = prices
    const rate = { ...terms, instanceClass, classMicrosPerHour: 3_000_000, sizeGib: 20, currency }
    const copied = { name: `cap-${id}-copy`, instanceClass, sizeGib: 20 }
    const point = { ...verify, createdAt: null }
    const document = { point, copy: copied, withinMs: 6 * HOUR_MS, ...(currency !== undefined && { cost: { rate } }) }
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

test('a copy in another region costs what copies cost there', async () => {
  const there = { ...prices, classMicrosPerHour: { large: 2_000_000 } }
  const at = (name: string): DatabaseEntry => {
    const { policy, ...entry } = priced(name)
    return { ...entry, policy: { ...policy, snapshotCopies: [{ region: 'eu-west-1', key: null, prices: there }] } }
  }
  const over = { startedHours: 3, endedHours: 1, status: 'succeeded', copy: { from: 3, to: 1 } } as const
  await ran('home', 'k', over)
  await ran('there', 'l', { ...over, region: 'eu-west-1' })
  await ran('unpriced-there', 'm', { ...over, region: 'us-east-1' })
  await ran('priced-there-then', 'n', { ...over, region: 'us-east-1', currency: 'EUR' })
  await ran('before', 'o', { startedHours: 50, endedHours: 50, status: 'planned', mode: 'plan' })
  await ran('waits-there', 'o', {
    startedHours: 1,
    endedHours: null,
    status: 'running',
    instanceClass: null,
    region: 'eu-west-1',
  })
  const of = (name: string) => spentSince(it.ledger, [at(name)], { since: SINCE, now: NOW, currency: 'EUR' })
  expect([await of('k'), await of('l'), await of('n')].map(({ settledMicros }) => settledMicros)).toEqual([
    ...[2_000_000, 4_000_000, 6_000_000],
  ])
  const why = 'what unpriced-there costs nobody knows: the fleet file has no prices for aws us-east-1'
  expect((await of('m')).unpriced).toEqual([{ operation: 'unpriced-there', database: 'm', why }])
  expect(Object.fromEntries((await of('o')).bound)).toEqual({ 'waits-there': 12_000_000 })
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
