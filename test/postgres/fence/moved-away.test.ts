/** That writing has moved is said of a database that is closed by the very operation, and of no other; once it is said it stays, whatever is opened. */
import { openKeyhole } from '../../../postgres/fence/keyhole'
import { forgetMovedAway, readMovedAway, recordMovedAway } from '../../../postgres/fence/moved-away'
import { raiseFence } from '../../../postgres/migrate/fence'
import { failureOf } from '../support/apply'
import { startTestServer, type TestServer } from '../support/server'
import { fenceUnderTest } from './support'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17)
})
afterAll(() => server?.stop())

test('a fence that was lowered, or is another’s, is no ground to move on; a mark that stands outlives the fence', async () => {
  const { options } = await server.database()
  const { database } = options
  const scope = { databases: [database] }
  const fence = fenceUnderTest(options, 'there', 1)
  const under = async <T>(
    operation: string,
    attempt: number,
    work: (...on: Parameters<typeof recordMovedAway>) => Promise<T>,
  ): Promise<T> => {
    const session = await openKeyhole({ connectTo: fence.connectTo, from: ['postgres'] })
    try {
      const { token } = await raiseFence(session, { epoch: 1, attempt, operation: 'there' })
      return await work(session, { database, operation, writer: 'shop-azure', token })
    } finally {
      await session.close()
    }
  }
  const stands = (attempt: number) => under('there', attempt, (session) => readMovedAway(session, database))

  expect((await failureOf(under('there', 1, recordMovedAway))).code).toBe('FENCE_NOT_PROVEN')
  await fence.raise(scope, 2)
  expect((await failureOf(under('another', 3, recordMovedAway))).code).toBe('FENCE_NOT_PROVEN')
  await fence.lower(4)
  expect((await failureOf(under('there', 5, recordMovedAway))).code).toBe('FENCE_NOT_PROVEN')
  expect(await stands(6)).toBeNull()

  await fence.raise(scope, 7)
  await under('there', 8, recordMovedAway)
  await fence.lower(9)
  await under('there', 10, recordMovedAway)
  expect(await stands(11)).toEqual({ operation: 'there', writer: 'shop-azure' })
  await under('there', 12, forgetMovedAway)
  expect(await stands(13)).toBeNull()
})
