/** A slot is dropped, and the ledger knows it before. */
import { failure } from '../../../../contracts/failures'
import { connect } from '../../../../postgres/connect/session'
import { dropAtRetention } from '../../../../postgres/replicate/watch/drop-at-retention'
import { eventually, until } from '../../../support/eventually'
import type { TestServer } from '../../support/server'
import { type Following, follow, senderOf, slotsOf, startSource, startStandby } from './following'

let source: TestServer
let standby: TestServer
let it: Following
beforeAll(async () => {
  ;[source, standby] = await Promise.all([startSource(15), startStandby()])
  it = await follow({ source, standby })
  await it.copied()
})
afterAll(() => Promise.all([source?.stop(), standby?.stop()]))

const dropAt = (recordSeeding: () => Promise<void>, more: { copySlots?: string; waitMs?: number } = {}) =>
  dropAtRetention(it.source, { slot: it.name, copySlots: null, recordSeeding, ...more })
const served = () => eventually('a walsender', () => senderOf(it.source, it.name))
const create = (name: string) => it.source.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [name])

test('nothing is dropped where the ledger could not be told', async () => {
  await served()
  await expect(dropAt(() => Promise.reject(failure('LEDGER_UNREACHABLE', 'away')))).rejects.toMatchObject({
    code: 'LEDGER_UNREACHABLE',
  })
  expect(await slotsOf(it.source)).toEqual([it.name])
})

test('a role that may not drop it says so, and what that costs', async () => {
  const root = await it.databases.source.connectAsSuperuser()
  await root.execute(`CREATE ROLE poor LOGIN PASSWORD 'secret'`)
  const poor = await connect({ ...it.databases.source.options, user: 'poor' })
  await expect(
    dropAtRetention(poor, { slot: it.name, copySlots: null, recordSeeding: async () => undefined }),
  ).rejects.toMatchObject({ code: 'CREDENTIALS_REJECTED', message: expect.stringContaining('until the disk is full') })
  await poor.close()
  expect(await slotsOf(it.source)).toEqual([it.name])
})

test('who dies once the ledger is told leaves a slot, which is dropped the next time', async () => {
  const dying = await it.databases.source.connect()
  await expect(
    dropAtRetention(dying, { slot: it.name, copySlots: null, recordSeeding: () => dying.close() }),
  ).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  expect(await slotsOf(it.source)).toEqual([it.name])
  await served()

  let told = 0
  const dropped = await dropAt(async () => {
    expect(await slotsOf(it.source)).toEqual(told === 0 ? [it.name] : [])
    told += 1
  })
  expect(dropped).toEqual([it.name])
  expect(told).toBe(2)
  expect(await slotsOf(it.source)).toEqual([])
  expect(await dropAt(async () => undefined)).toEqual([])
})

test('a worker that wakes up when the standby is seeded anew leaves its new slot alone', async () => {
  await create(it.name)
  let told = 0
  const waking = dropAt(async () => {
    told += 1
    if (told > 1) throw failure('STANDBY_CHANGED', 'building by now')
    // while it slept
    await it.standby.execute(`ALTER SUBSCRIPTION ${it.name} DISABLE`)
    const drop = () => it.source.query('SELECT pg_drop_replication_slot($1)', [it.name])
    await until('the walsender to let go', async () => (await drop().catch(() => null)) !== null)
    await create(it.name)
  })
  await expect(waking).rejects.toMatchObject({ code: 'STANDBY_CHANGED' })
  expect(await slotsOf(it.source)).toEqual([it.name])
})

test('the slots of tables that are copied go with it, and none of somebody else', async () => {
  for (const name of ['pg_16400_sync_16390_77', 'pg_16400_sync_16390_78', 'of_others']) await create(name)
  await it.source.execute('INSERT INTO items VALUES (1)')
  expect(await dropAt(async () => undefined, { copySlots: '^pg_16400_sync_[0-9]+_77$' })).toEqual([
    'pg_16400_sync_16390_77',
    it.name,
  ])
  expect(await slotsOf(it.source)).toEqual(['of_others', 'pg_16400_sync_16390_78'])
  for (const name of ['of_others', 'pg_16400_sync_16390_78']) await it.source.query('SELECT pg_drop_replication_slot($1)', [name])
})

test('a walsender that stands still keeps its slot, and is told by its process', async () => {
  await create(it.name)
  await it.standby.execute(`ALTER SUBSCRIPTION ${it.name} ENABLE`)
  const pid = await served()
  process.kill(pid, 'SIGSTOP')
  try {
    await it.source.execute('INSERT INTO items VALUES (2)')
    await expect(dropAt(async () => undefined, { waitMs: 200 })).rejects.toMatchObject({
      code: 'NOT_READY_YET',
      message: expect.stringContaining(`${it.name} (process ${pid})`),
    })
    expect(await slotsOf(it.source)).toEqual([it.name])
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  expect(await dropAt(async () => undefined)).toEqual([it.name])
})
