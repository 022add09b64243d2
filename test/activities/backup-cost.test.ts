import { costed, reckonCost } from '../../activities/backup/cost'
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
const asked = { copy, askedMs: 6 * HOUR_MS, expectedMs: null }

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
  expect(costed({ ...asked, database: capped(2_500_000), expectedMs: 2.5 * HOUR_MS })).toMatchObject({
    withinMs: 2.5 * HOUR_MS,
    cost: { atMostMicros: 2_500_000, capMicros: 2_500_000, shortenedFromMs: 6 * HOUR_MS },
  })
  const refused = (cap: number, expectedMs: number | null) => () => costed({ ...asked, database: capped(cap), expectedMs })
  expect(refused(2_500_000, 2.5 * HOUR_MS + 1)).toThrow(
    expect.objectContaining({ code: 'COST_TOO_HIGH', message: expect.stringContaining('2.50 EUR, pays for 150 min') }),
  )
  expect(refused(100_000, null)).toThrow(
    expect.objectContaining({ code: 'COST_TOO_HIGH', message: expect.stringContaining('pays for no copy at all') }),
  )
  // What took longer than it may now is no reason: its time is limited anyway.
  expect(costed({ ...asked, database: capped(6_000_000), expectedMs: 9 * HOUR_MS }).withinMs).toBe(6 * HOUR_MS)
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
