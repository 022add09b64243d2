/** The ledger's row of a standby, which operations and the watch write at the same time. */
import type { ComparisonTold, StandbyId, StandbyLook } from '../../contracts/standby'
import { type Ledger, openLedger } from '../../ledger/ledger'
import type { ComparisonNote } from '../../ledger/standby-comparisons'
import type { NewStandby } from '../../ledger/standbys'
import { query, startTestServer, type TestServer } from './postgres-server'

let server: TestServer
let url: string
let ledger: Ledger
beforeAll(async () => {
  server = await startTestServer()
  url = await server.freshDatabase()
  ledger = openLedger({ url })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

const at = (second: number): string => new Date(Date.UTC(2026, 10, 23, 3, 0, second)).toISOString()
let count = 0
const newStandby = (): NewStandby => ({
  ...{ source: 'shop', target: `standby-${++count}`, operation: 'replicate-1', at: at(0) },
  instances: { source: 'db-1', target: 'db-2' },
  names: { publication: 'cap_p', slot: 'cap_s', subscription: 'cap_b' },
  declared: {
    database: 'shop-azure',
    publisher: { user: 'follower', secret: 'env:X', host: null, port: null, tls: 'require' },
    ...{ retainedBytesMax: 1e9, lagMsMax: 60_000 },
  },
})
const look = (second: number, more: Partial<StandbyLook> = {}): StandbyLook => ({
  ...{ at: at(second), source: null, target: null, unreached: ['away'], beatAt: null, lagMs: null, lagBytes: null },
  ...{ copySlots: null, schemaDiffers: null, findings: [] },
  ...more,
})

async function opened() {
  const standby = newStandby()
  await ledger.openStandby(standby)
  const { source, target } = standby
  return { standby, id: { source, target } }
}

describe('a standby that is opened', () => {
  test('begins as it is asked for, once for the same operation, and another one is refused', async () => {
    const { standby, id } = await opened()
    const { operation, at: since, ...asked } = standby
    const record = { version: 1, ...asked, state: 'building', reason: null, since, operation, look: null }
    expect(await ledger.getStandby(id)).toEqual(record)
    expect(await ledger.openStandby({ ...standby, at: at(9) })).toEqual(record)
    await expect(ledger.openStandby({ ...standby, operation: 'replicate-2' })).rejects.toMatchObject({
      code: 'STANDBY_EXISTS',
      message: expect.stringContaining('is building: remove it first'),
    })
  })

  test('takes the place of one that is gone, with nothing of it', async () => {
    const { standby, id } = await opened()
    await ledger.noteLook({ ...id, look: look(1) })
    await ledger.changeStandby({ ...id, from: 'building', to: 'gone', reason: 'removed', operation: 'replicate-2', at: at(2) })
    const again = await ledger.openStandby({ ...standby, operation: 'replicate-3', at: at(3) })
    expect(again).toMatchObject({ state: 'building', reason: null, look: null, since: at(3), operation: 'replicate-3' })
    expect(await ledger.getStandby(id)).toEqual(again)
  })

  test('is opened by one of two operations that come at once', async () => {
    const standby = newStandby()
    const outcomes = await Promise.allSettled(['one', 'two'].map((operation) => ledger.openStandby({ ...standby, operation })))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('a change', () => {
  test('is made from the state that its writer has read, and from no other', async () => {
    const { id } = await opened()
    await ledger.changeStandby({ ...id, from: 'building', to: 'copying', reason: null, operation: 'replicate-1', at: at(1) })
    const late = ledger.changeStandby({ ...id, from: 'building', to: 'following', reason: null, operation: null, at: at(2) })
    await expect(late).rejects.toMatchObject({
      code: 'STANDBY_CHANGED',
      facts: { state: 'copying', from: 'building', to: 'following' },
    })
    expect(await ledger.getStandby(id)).toMatchObject({ state: 'copying', since: at(1) })
  })

  test('may be repeated, and of two from one state one is made', async () => {
    const { id } = await opened()
    const pause = { ...id, from: 'building', to: 'paused', reason: null, operation: 'replicate-7', at: at(1) } as const
    await ledger.changeStandby(pause)
    expect(await ledger.changeStandby({ ...pause, at: at(5) })).toMatchObject({ state: 'paused', since: at(1) })

    const watch = { ...id, from: 'paused', to: 'to-be-seeded', reason: 'The slot is gone.', operation: null, at: at(2) } as const
    const resume = { ...id, from: 'paused', to: 'following', reason: null, operation: 'replicate-8', at: at(2) } as const
    const outcomes = await Promise.allSettled([ledger.changeStandby(watch), ledger.changeStandby(resume)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('keeps since when in a state where only the reason is another, and takes what is declared by now', async () => {
    const { standby, id } = await opened()
    const change = { ...id, from: 'building', to: 'building', operation: null } as const
    const declared = { ...standby.declared, lagMsMax: 5_000 }
    await ledger.changeStandby({ ...change, reason: 'so', at: at(3), declared })
    expect(await ledger.getStandby(id)).toMatchObject({
      state: 'building',
      reason: 'so',
      since: at(0),
      declared: { lagMsMax: 5_000 },
    })
  })
})

test('a look keeps its hands off the state, and the newest stays', async () => {
  const { id } = await opened()
  await Promise.all([
    ledger.noteLook({ ...id, look: look(5, { lagMs: 5 }) }),
    ledger.changeStandby({ ...id, from: 'building', to: 'copying', reason: null, operation: 'replicate-1', at: at(4) }),
  ])
  await ledger.noteLook({ ...id, look: look(3) })
  expect(await ledger.getStandby(id)).toMatchObject({ state: 'copying', look: { at: at(5), lagMs: 5 } })
  await ledger.noteLook({ ...id, look: look(6) })
  expect((await ledger.getStandby(id))?.look).toEqual(look(6))
})

describe('what comparisons tell', () => {
  const told = (more: Partial<ComparisonTold> = {}): ComparisonTold => ({
    ...{
      startedAt: at(10),
      endedAt: at(20),
      verdict: 'equal',
      tables: 3,
      differing: [],
      tablesDiffering: 0,
      left: [],
      tablesLeft: 0,
    },
    ...more,
  })
  const table = (name: string) => ({ table: name, onlyInSource: 1, onlyInStandby: 0, changed: 0, exact: true })
  const note = (id: StandbyId, noted: ComparisonNote) => ledger.noteComparison({ ...id, note: noted })

  test('is noted beside looks and changes of the state, one comparison at a time, and safe to repeat', async () => {
    const { id } = await opened()
    await note(id, { kind: 'awaited', at: at(1) })
    await note(id, { kind: 'awaited', at: at(2) })
    await note(id, { kind: 'asked', at: at(3) })
    await Promise.all([
      note(id, { kind: 'begun', at: at(10) }),
      ledger.noteLook({ ...id, look: look(5) }),
      ledger.changeStandby({ ...id, from: 'building', to: 'following', reason: null, operation: null, at: at(5) }),
    ])
    await note(id, { kind: 'begun', at: at(11) })
    await note(id, { kind: 'under-way', since: at(10), tables: 3, tablesDone: 1 })
    await note(id, { kind: 'under-way', since: at(9), tables: 9, tablesDone: 9 })
    expect(await ledger.getStandby(id)).toMatchObject({
      ...{ state: 'following', look: { at: at(5) } },
      compared: { since: at(1), askedAt: null, running: { since: at(10), tables: 3, tablesDone: 1 }, last: null, equalAt: null },
    })
    await note(id, { kind: 'ended', since: at(9), told: told({ verdict: 'different' }) })
    await note(id, { kind: 'ended', since: at(10), told: told() })
    await note(id, { kind: 'ended', since: at(10), told: told({ verdict: 'different' }) })
    expect((await ledger.getStandby(id))?.compared).toMatchObject({ running: null, last: told(), equalAt: at(10) })
  })

  test('of rows that an operation has copied is the newest word; of one table it is no word about the others', async () => {
    const { id } = await opened()
    await note(id, { kind: 'begun', at: at(10) })
    const differing = [table('public.a'), table('public.b')]
    const different = told({ verdict: 'different', differing, tablesDiffering: 2 })
    await note(id, { kind: 'ended', since: at(10), told: different })
    await note(id, { kind: 'seeded', table: 'public.c', told: told() })
    await note(id, { kind: 'seeded', table: 'public.a', told: told() })
    expect((await ledger.getStandby(id))?.compared).toMatchObject({
      ...{ askedAt: null, equalAt: null },
      last: { verdict: 'different', differing: [table('public.b')], tablesDiffering: 1 },
    })
    await note(id, { kind: 'seeded', table: 'public.b', told: told({ verdict: 'different' }) })
    expect((await ledger.getStandby(id))?.compared?.last?.verdict).toBe('different')
    await note(id, { kind: 'seeded', table: 'public.b', told: told() })
    expect((await ledger.getStandby(id))?.compared).toMatchObject({
      ...{ askedAt: at(20), equalAt: null },
      last: { verdict: 'inconclusive', differing: [], tablesDiffering: 0 },
    })
    await note(id, { kind: 'seeded', table: null, told: told() })
    expect((await ledger.getStandby(id))?.compared).toMatchObject({ running: null, last: told(), equalAt: at(10) })
  })

  test('that was under way while one table was copied anew is asked for again', async () => {
    const { id } = await opened()
    await note(id, { kind: 'begun', at: at(9) })
    await note(id, { kind: 'ended', since: at(9), told: told() })
    await note(id, { kind: 'asked', at: at(10) })
    await note(id, { kind: 'begun', at: at(11) })
    await note(id, { kind: 'seeded', table: 'public.a', told: told() })
    expect((await ledger.getStandby(id))?.compared).toMatchObject({ askedAt: at(20), running: null, last: told() })
  })

  test('so far is kept beside it, the newest', async () => {
    const { id } = await opened()
    expect(await ledger.getComparison(id)).toBeNull()
    await ledger.putComparison({ ...id, document: { version: 1, told: [] } })
    await ledger.putComparison({ ...id, document: { version: 1, told: ['a'] } })
    expect(await ledger.getComparison(id)).toEqual({ version: 1, told: ['a'] })
    await query(url, `UPDATE ledger.standby_comparisons SET body = replace(body, 'told', 'sold') WHERE target = '${id.target}'`)
    await expect(ledger.getComparison(id)).rejects.toThrow('recorded was')
  })
})

test('one that there is not is told so, and all are listed by their names', async () => {
  const nobody = { source: 'shop', target: 'nobody' }
  expect(await ledger.getStandby(nobody)).toBeNull()
  await expect(ledger.noteLook({ ...nobody, look: look(1) })).rejects.toMatchObject({ code: 'STANDBY_UNKNOWN' })
  await expect(
    ledger.changeStandby({ ...nobody, from: 'building', to: 'gone', reason: null, operation: null, at: at(1) }),
  ).rejects.toMatchObject({ code: 'STANDBY_UNKNOWN' })
  const { id } = await opened()
  const listed = (await ledger.listStandbys()).map(({ target }) => target)
  expect(listed).toContain(id.target)
  expect(listed).toEqual([...listed].sort())
})

test('a row that was altered in the database is a defect, and no standby', async () => {
  const { id } = await opened()
  await query(url, `UPDATE ledger.standbys SET body = replace(body, 'building', 'following') WHERE target = '${id.target}'`)
  await expect(ledger.getStandby(id)).rejects.toThrow('recorded was')
  const change = { ...id, from: 'following', to: 'paused', reason: null, operation: null, at: at(1) } as const
  await expect(ledger.changeStandby(change)).rejects.toThrow('recorded was')
})
