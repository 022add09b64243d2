import { costed, reckonCost } from '../../activities/backup/cost'
import { type NeededTime, neededTime } from '../../activities/backup/history'
import type { CopyPrices, DatabaseEntry } from '../../contracts/fleet'
import { VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import { fleetEntry } from '../client/fleet-entry'
import { withLedger } from '../client/with-ledger'

const HOUR_MS = 3_600_000
const copy = { name: 'cap-proves-copy', instanceClass: 'large', sizeGib: 20 }
const prices: CopyPrices = {
  ...{ currency: 'EUR', classMicrosPerHour: { large: 1_000_000 }, storageMicrosPerGibMonth: 0 },
  ...{ billedSecondsMin: 600, billedSecondsStep: 1 },
}
const capped = (costMicrosMax?: number): DatabaseEntry => ({
  ...{ ...fleetEntry('shop'), prices },
  verification: { ...(costMicrosMax !== undefined && { costMicrosMax }) },
})
const unknown: NeededTime = { tookMs: null, ranOutOfMs: null }
const asked = { copy, askedMs: 6 * HOUR_MS, expectedMs: null, needed: unknown }

test('without prices nothing is said of a cost, and a class without one is named', () => {
  expect(costed({ ...asked, database: fleetEntry('shop') })).toEqual({ withinMs: 6 * HOUR_MS })
  const other = { ...asked, copy: { ...copy, instanceClass: 'huge' } }
  expect(costed({ ...other, database: capped() })).toEqual({
    withinMs: 6 * HOUR_MS,
    cost: { lacking: 'the fleet file has no price for huge in aws eu-central-1' },
  })
  expect(() => costed({ ...other, database: capped(1_000_000) })).toThrow(
    expect.objectContaining({ code: 'PRICE_MISSING', message: expect.stringContaining('no price for huge in aws eu-central-1') }),
  )
})

test('a cap shortens the time to what it pays for, and no further than the last one took', () => {
  expect(costed({ ...asked, database: capped(), expectedMs: HOUR_MS })).toMatchObject({
    withinMs: 6 * HOUR_MS,
    cost: { atMostMicros: 6_000_000, aboutMicros: 1_000_000, capMicros: null, shortenedFromMs: null },
  })
  const needs = (needed: Partial<NeededTime>) => ({ ...asked, needed: { ...unknown, ...needed } })
  expect(costed({ ...needs({ tookMs: 2.5 * HOUR_MS }), database: capped(2_500_000) })).toMatchObject({
    withinMs: 2.5 * HOUR_MS,
    cost: { atMostMicros: 2_500_000, capMicros: 2_500_000, shortenedFromMs: 6 * HOUR_MS },
  })
  const refused = (cap: number, needed: Partial<NeededTime>) => () => costed({ ...needs(needed), database: capped(cap) })
  const said = (message: string) => expect.objectContaining({ code: 'COST_TOO_HIGH', message: expect.stringContaining(message) })
  expect(refused(2_500_000, { tookMs: 2.5 * HOUR_MS + 1 })).toThrow(said('2.50 EUR, pays for 150 min'))
  expect(refused(2_500_000, { ranOutOfMs: 2.5 * HOUR_MS })).toThrow(said('the last two verifications of its kind were not over'))
  expect(refused(2_500_000, { ranOutOfMs: 2.5 * HOUR_MS - 1 })).not.toThrow()
  expect(refused(100_000, {})).toThrow(said('pays for no copy at all'))
  // What took longer than it may now is no reason: its time is limited anyway.
  expect(costed({ ...needs({ tookMs: 9 * HOUR_MS, ranOutOfMs: 9 * HOUR_MS }), database: capped(6_000_000) }).withinMs).toBe(
    6 * HOUR_MS,
  )
})

describe('the time that a run needs', () => {
  const it = withLedger()
  const START = Date.parse('2026-11-29T03:00:00.000Z')
  const minute = (minutes: number): string => new Date(START + minutes * 60_000).toISOString()

  interface Before {
    /** Minutes after its plan; null: its time was over. */
    readonly judged: number | null
    readonly restored?: number
    readonly controlled?: number
    readonly shortened?: boolean
    readonly kind?: 'snapshot' | 'now'
  }

  async function ran(database: string, id: string, { judged, restored = 5, controlled, ...about }: Before): Promise<void> {
    const { shortened = true, kind = 'now' } = about
    const bundle = await it.ledger.putBundle({ version: 1, database: fleetEntry(database), migrations: [] })
    const opening = { kind: 'verify-backup', databases: [database], cloud: 'aws', environment: 'test', mode: 'apply' } as const
    await it.ledger.openOperation({ id, ...opening, requestedBy: 'ada', startedAt: minute(-60), bundle })
    const cost = { shortenedFromMs: shortened ? HOUR_MS : null }
    const plan = { point: { kind }, withinMs: 40 * 60_000, cost }
    await it.ledger.putDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.plan, document: plan })
    const began = { plan: 0, ...(controlled !== undefined && { control: controlled }), ...(judged !== null && { judge: judged }) }
    for (const [at, [step, minutes]] of Object.entries(began).entries()) {
      const times = { startedAt: minute(minutes), finishedAt: minute(minutes) }
      const record = { id: step, title: step, state: 'done', attempts: 1, detail: {}, ...times } as const
      await it.ledger.recordStep({ operation: id, sequence: at + 1, step: record })
    }
    const failure = { code: 'VERIFICATION_TIMED_OUT', message: 'too slow' }
    const ended = judged === null ? ({ status: 'failed', failure } as const) : ({ status: 'succeeded' } as const)
    if (judged !== null) {
      const document = { rto: { totalMs: restored * 60_000 }, judgedAt: minute(judged) }
      await it.ledger.putDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.verification, document })
    }
    await it.ledger.setStatus({ operation: id, ...ended, finishedAt: minute(100) })
  }

  const needed = (database: string): Promise<NeededTime> => neededTime(it.ledger, database, { kind: 'moment' })

  test('begins with its plan, and ends with its last rung', async () => {
    expect(await needed('whole')).toEqual(unknown)
    await ran('whole', 'whole-other-kind', { judged: 50, kind: 'snapshot' })
    expect(await needed('whole')).toEqual(unknown)
    await ran('whole', 'whole-a', { judged: 30 })
    expect(await needed('whole')).toEqual({ tookMs: 30 * 60_000, ranOutOfMs: null })
    await ran('whole', 'whole-b', { judged: 35, controlled: 25 })
    expect(await needed('whole')).toEqual({ tookMs: 25 * 60_000, ranOutOfMs: null })
  })

  test('is more than what a cap gave to two in a row, for one alone may have hung', async () => {
    await ran('short', 'short-a', { judged: 30 })
    await ran('short', 'short-b', { judged: null })
    expect(await needed('short')).toEqual({ tookMs: 30 * 60_000, ranOutOfMs: null })
    await ran('short', 'short-uncapped', { judged: null, shortened: false })
    expect(await needed('short')).toEqual({ tookMs: 30 * 60_000, ranOutOfMs: null })
    await ran('short', 'short-c', { judged: null })
    expect(await needed('short')).toEqual({ tookMs: 30 * 60_000, ranOutOfMs: 40 * 60_000 })
    await ran('short', 'short-d', { judged: 20 })
    expect(await needed('short')).toEqual({ tookMs: 20 * 60_000, ranOutOfMs: null })
  })
})

describe('what a run is reckoned to have cost', () => {
  const it = withLedger()
  const at = '2026-11-29T05:00:00.000Z'

  async function ran(operation: string, database: DatabaseEntry, removedAt: string | null | undefined) {
    const bundle = await it.ledger.putBundle({ version: 1, database, migrations: [] })
    const about = { kind: 'verify-backup', databases: ['shop'], cloud: 'aws', environment: 'test', mode: 'apply' } as const
    await it.ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: at, bundle })
    const document = { copy, ...costed({ ...asked, database }) }
    await it.ledger.putDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.plan, document })
    if (removedAt === undefined) return
    const resource = { operation, cloud: 'aws', kind: 'instance', name: copy.name, expiresAt: null, removedAt }
    await it.ledger.recordResource({ ...resource, createdAt: '2026-11-29T03:00:00.000Z' })
  }

  async function reckoned(operation: string): Promise<unknown> {
    await reckonCost(it.ledger, { operation, at })
    await reckonCost(it.ledger, { operation, at })
    return it.ledger.getDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.cost })
  }

  test('is the time for which its copy was there, or is still', async () => {
    await ran('removed', capped(3_000_000), '2026-11-29T03:30:00.000Z')
    expect(await reckoned('removed')).toMatchObject({ micros: 500_000, currency: 'EUR', capMicros: 3_000_000, goesOn: false })
    await ran('left', capped(), null)
    expect(await reckoned('left')).toMatchObject({ micros: 2_000_000, atMostMicros: 6_000_000, goesOn: true })
  })

  test('is told of nothing that made no copy, or has no price', async () => {
    await ran('no-copy', capped(), undefined)
    await ran('no-price', fleetEntry('shop'), at)
    expect([await reckoned('no-copy'), await reckoned('no-price')]).toEqual([null, null])
  })
})
