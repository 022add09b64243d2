/** What is free on both disks is reckoned from their sizes and from what PostgreSQL tells, and a larger one is asked for where that is allowed. */
import { diskRoom } from '../../activities/replication/disk-room'
import { grownSize } from '../../clouds/disk-sizes'
import type { DeclaredStandby } from '../../contracts/standby'
import { connect, type Session } from '../../postgres/connect/session'
import { diskUse } from '../../postgres/replicate/disk-used'
import { startTestServer, type TestServer } from '../postgres/support/server'

const GIB = 1024 ** 3
let server: TestServer
let session: Session
let blind: Session
beforeAll(async () => {
  // as much log as a disk of 5 GiB has no room for
  server = await startTestServer(17, { max_wal_size: '6GB' })
  const database = await server.database()
  session = await database.connect()
  await (await database.connectAsSuperuser()).execute(`CREATE ROLE blind LOGIN PASSWORD 'secret'`)
  blind = await connect({ ...database.options, user: 'blind' })
})
afterAll(async () => {
  await blind?.close()
  await server?.stop()
})

type Asked = Partial<Parameters<typeof diskRoom>[0]> & { sizeGib?: number | null; growToGib?: number }
const room = ({ sizeGib = 5, growToGib, ...more }: Asked = {}) =>
  diskRoom({
    ...{
      source: session,
      standby: session,
      prepared: false,
      cloud: 'gcp',
      disks: { source: { sizeGib: 5 }, standby: { sizeGib } },
    },
    declared: (growToGib === undefined ? {} : { growToGib }) as DeclaredStandby,
    ...more,
  })

test('what is free is the size without a tenth, and without all databases and the log', async () => {
  const use = await diskUse(session)
  const [real] = await session.query<{ used: number }>(
    'SELECT (sum(pg_database_size(oid)) + (SELECT sum(size) FROM pg_ls_waldir()))::int8 AS used FROM pg_database',
  )
  expect(use).toMatchObject({ used: real?.used, log: 6 * GIB })
  const { free, grow } = await room()
  expect(Math.abs((free.source ?? 0) - (4.5 * GIB - (use?.used ?? 0)))).toBeLessThan(1_000_000)
  expect(grow).toBeNull()
})

test('what nobody was asked, or may not ask, is not known, and storage without a size has room', async () => {
  expect((await room({ disks: undefined })).free).toEqual({ source: null, standby: null })
  expect(await room({ source: blind, growToGib: 500 })).toEqual({
    free: { source: null, standby: expect.any(Number) },
    grow: null,
    room: null,
  })
  expect(await room({ sizeGib: null, growToGib: 500 })).toEqual({
    free: { source: expect.any(Number), standby: Number.MAX_SAFE_INTEGER },
    grow: null,
    room: 'enough',
  })
})

test('a disk that its cloud makes larger has room as far as that goes, and is made larger beforehand where that is declared', async () => {
  const grows = (growsToGib: number | null, more: Asked = {}) =>
    room({ disks: { source: { sizeGib: 5, growsToGib }, standby: { sizeGib: 5, growsToGib } }, ...more })
  const { free, grow } = await grows(100)
  expect([free.source, free.standby].every((bytes) => bytes !== null && bytes > 80 * GIB)).toBe(true)
  expect(grow).toBeNull()
  expect((await grows(0)).free).toEqual({ source: Number.MAX_SAFE_INTEGER, standby: Number.MAX_SAFE_INTEGER })
  expect(await grows(null)).toEqual(await room())
  const declared = await grows(100, { growToGib: 500 })
  expect(declared.grow).toEqual({ fromGib: 5, toGib: 10 })
  expect(declared.free.standby).toBeGreaterThan(80 * GIB)
})

test('a disk that is too small is to grow where that is declared, as far as that goes, and what is free is reckoned with it', async () => {
  const { free, grow } = await room({ growToGib: 500 })
  expect(grow).toEqual({ fromGib: 5, toGib: 10 })
  expect(free.standby).toBeGreaterThan(8 * GIB)
  expect((await room({ growToGib: 7 })).grow).toEqual({ fromGib: 5, toGib: 7 })
  expect((await room({ growToGib: 5 })).grow).toBeNull()
  expect((await room({ growToGib: 500 })).room).toBe('enough')
  expect((await room({ sizeGib: 0.01 })).room).toBe('none')
  expect((await room({ sizeGib: 100, growToGib: 500 })).grow).toBeNull()
  expect((await room({ cloud: 'azure', growToGib: 500 })).grow).toEqual({ fromGib: 5, toGib: 32 })
})

test('what a plan before this one made larger stays so while that is enough', async () => {
  const planned = { fromGib: 5, toGib: 20 }
  expect((await room({ growToGib: 500, planned })).grow).toEqual(planned)
  expect((await room({ growToGib: 500, planned: { fromGib: 5, toGib: 6 } })).grow).toEqual({ fromGib: 5, toGib: 10 })
  expect((await room({ growToGib: 15, planned })).grow).toEqual({ fromGib: 5, toGib: 10 })
  expect((await room({ sizeGib: 100, growToGib: 500, planned })).grow).toBeNull()
})

test.each([
  ['aws', { sizeGib: 100, wantedGib: 101, maxGib: 500 }, 110],
  ['aws', { sizeGib: 100, wantedGib: 104, maxGib: 105 }, null],
  ['aws', { sizeGib: 100, wantedGib: 400, maxGib: 200 }, 200],
  ['gcp', { sizeGib: 10, wantedGib: 11, maxGib: 500 }, 20],
  ['gcp', { sizeGib: 10, wantedGib: 10, maxGib: 500 }, null],
  ['gcp', { sizeGib: 10, wantedGib: 400, maxGib: 15 }, 15],
  ['azure', { sizeGib: 32, wantedGib: 70, maxGib: 500 }, 128],
  ['azure', { sizeGib: 32, wantedGib: 70, maxGib: 100 }, 64],
  ['azure', { sizeGib: 64, wantedGib: 70, maxGib: 100 }, null],
] as const)('%s makes of %j a disk of %j GiB', (cloud, asked, size) => {
  expect(grownSize(cloud, asked)).toBe(size)
})
