/** What is free on both disks is reckoned from their sizes and from what PostgreSQL tells, and a larger one is asked for where that is allowed. */
import { growthTold } from '../../activities/replication/disk-by-clock'
import { diskRoom } from '../../activities/replication/disk-room'
import { weighRoom } from '../../activities/replication/stand'
import { grownSize } from '../../clouds/disk-sizes'
import type { Cloud } from '../../contracts/fleet'
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

type Asked = Partial<Parameters<typeof diskRoom>[0]> & { sizeGib?: number | null; growToGib?: number; cloud?: Cloud }
const room = ({ sizeGib = 5, growToGib, cloud = 'gcp', ...more }: Asked = {}) =>
  diskRoom({
    ...{
      source: session,
      standby: session,
      prepared: false,
      clouds: { source: cloud, standby: cloud },
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
    freeLater: null,
    grow: null,
    room: null,
    lacking: null,
  })
  expect(await room({ sizeGib: null, growToGib: 500 })).toEqual({
    free: { source: expect.any(Number), standby: Number.MAX_SAFE_INTEGER },
    freeLater: null,
    grow: null,
    room: 'enough',
    lacking: 0,
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

test('RDS, which grows once in six hours, has room for what its disk is by now, on either side', async () => {
  const grows = (growsToGib: number | null) =>
    room({ cloud: 'aws', disks: { source: { sizeGib: 5, growsToGib }, standby: { sizeGib: 5, growsToGib } } })
  const plain = await room({ cloud: 'aws' })
  const found = await grows(100)
  expect(found).toEqual({ ...plain, freeLater: expect.any(Number) })
  expect([found.free.source, found.free.standby].every((bytes) => bytes !== null && bytes < 5 * GIB)).toBe(true)
  expect(found.freeLater).toBeGreaterThan(80 * GIB)
  expect(plain.freeLater).toBeNull()
  expect((await grows(5)).freeLater).toBeNull()
  const told = (['aws', 'gcp', 'azure'] as const).map((cloud) => growthTold(cloud, { sizeGib: 5, growsToGib: 100 }))
  expect(told).toEqual([{}, { growsToGib: 100 }, { growsToGib: 100 }])
  expect((await grows(null)).freeLater).toBeNull()
})

test('what a reseed lacks is reckoned of the whole disk, without the rows that it gives up', async () => {
  const use = await diskUse(session)
  const needed = (use?.used ?? 0) - (use?.logNow ?? 0) + 6 * GIB
  // its own log may be written to meanwhile, and so may the catalogs
  const near = (lacking: number | null, bytes: number) =>
    expect(Math.abs((lacking ?? Number.NaN) - bytes)).toBeLessThan(1_000_000)
  near((await room({ prepared: true })).lacking, needed - 5 * GIB)
  expect((await room({ prepared: true, sizeGib: Math.ceil(needed / GIB) })).lacking).toBe(0)
  near((await room({ prepared: true, growToGib: 6, cloud: 'azure' })).lacking, needed - 5 * GIB)
  expect((await room({ prepared: true, growToGib: 500 })).lacking).toBe(0)
})

test('a reseed is refused where its rows cannot fit, told where they may not, and never refused where there is nothing to give up', () => {
  const found = { room: 'none', lacking: 0, grow: null, free: { source: 0, standby: 0 } } as const
  expect(weighRoom('stock', 'following', found)).toContain('copying may fill it')
  expect(weighRoom('stock', 'following', { ...found, room: 'tight' })).toBeNull()
  expect(weighRoom('stock', 'following', { ...found, room: null, lacking: null })).toBeNull()
  const lacking = { ...found, lacking: GIB }
  expect(() => weighRoom('stock', 'following', lacking)).toThrow('it was left as it is')
  expect(weighRoom('stock', 'to-be-seeded', lacking)).toContain('copying may fill it')
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
