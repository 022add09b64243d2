/** An older attempt whose backend cannot be ended: its process stands still, as over a disk that does not answer. */
import { fencedName, LOCK_FENCE, raiseFence } from '../../postgres/migrate/fence'
import { failureOf } from './support/apply'
import { startTestServer, type TestServer } from './support/server'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17)
})
afterAll(() => server?.stop())

test('whoever would raise the row above it is told that it is held, and does not wait without end', async () => {
  const database = await server.database()
  const act = { epoch: 1, operation: 'first' }
  const older = await database.connect(fencedName({ epoch: 1, attempt: 1 }, 'capstan first'))
  await raiseFence(older, { ...act, attempt: 1 })
  await older.execute(`BEGIN; ${LOCK_FENCE}`)
  const later = await database.connect('capstan later')
  process.kill(older.backendPid, 'SIGSTOP')
  try {
    const { message } = await failureOf(raiseFence(later, { ...act, attempt: 2, waitMs: 1_000 }), 'MIGRATION_LOCK_HELD')
    expect(message).toMatch(/Another session holds the fence row/)
  } finally {
    process.kill(older.backendPid, 'SIGCONT')
  }
  expect(await raiseFence(later, { ...act, attempt: 2 })).toMatchObject({ token: { epoch: 1, attempt: 2 } })
})
