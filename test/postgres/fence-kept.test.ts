/** The row of who may act, kept as it is while other sessions act: a slot can be made meanwhile, and a later attempt still gets through. */
import { endOlderBackends, fencedName, holdFence, raiseFence, readFence, tagSession } from '../../postgres/migrate/fence'
import { until } from '../support/eventually'
import { failureOf } from './support/apply'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(15, { wal_level: 'logical' })
})
afterAll(() => server?.stop())

const FIRST = { epoch: 1, attempt: 1 }
const LATER = { epoch: 1, attempt: 2 }

async function keeper(database: TestDatabase) {
  const session = await database.connect(fencedName(FIRST, 'capstan first'))
  await raiseFence(session, { ...FIRST, operation: 'first' })
  return { session, release: await holdFence(session, FIRST) }
}

test('whoever keeps it takes no transaction id, so that a slot can be made meanwhile', async () => {
  const database = await server.database()
  const { release } = await keeper(database)
  const maker = await database.connectAsSuperuser()
  const made = await maker.query<{ name: string }>(
    `SELECT slot_name AS name FROM pg_create_logical_replication_slot('kept', 'pgoutput')`,
  )
  expect(made).toEqual([{ name: 'kept' }])
  await maker.query(`SELECT pg_drop_replication_slot('kept')`)
  await release()
})

test('a later attempt raises it over whoever keeps it, and ends that session', async () => {
  const database = await server.database()
  const { session } = await keeper(database)
  const later = await database.connect('capstan later')
  expect(await raiseFence(later, { ...LATER, operation: 'first' })).toMatchObject({ token: LATER, terminated: 1 })
  expect(await readFence(later)).toEqual(LATER)
  await failureOf(session.query('SELECT 1'), 'CONNECTION_LOST')
})

test('an attempt that was overtaken cannot keep it', async () => {
  const database = await server.database()
  const session = await database.connect()
  await raiseFence(session, { ...LATER, operation: 'first' })
  await failureOf(holdFence(session, FIRST), 'FENCED_OFF')
  // it is as it was before
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('sessions of another role are ended by one that may, if they are of an older attempt', async () => {
  const database = await server.database()
  const [old, own, superuser] = [await database.connect('x'), await database.connect('y'), await database.connectAsSuperuser()]
  await tagSession(old, FIRST)
  await tagSession(own, LATER)
  expect(await endOlderBackends(superuser, LATER)).toBe(1)
  await until('its end', async () => {
    const rows = await superuser.query('SELECT FROM pg_stat_activity WHERE pid = $1', [old.backendPid])
    return rows.length === 0
  })
  expect(await own.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
})
