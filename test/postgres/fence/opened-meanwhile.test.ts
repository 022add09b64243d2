/** That nobody is inside is worth something of a database that was closed before it was looked and is so after it. */
import { connect, type Session } from '../../../postgres/connect/session'
import { openKeyhole } from '../../../postgres/fence/keyhole'
import { proveClosed } from '../../../postgres/fence/prove'
import { raiseFence } from '../../../postgres/migrate/fence'
import { failureOf } from '../support/apply'
import { startTestServer, type TestServer } from '../support/server'
import { fenceUnderTest } from './support'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17)
})
afterAll(() => server?.stop())

/** `act` comes right behind the look at who is inside. */
function afterLook(session: Session, act: () => Promise<unknown>): Session {
  return new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      if (key !== 'query') return value.bind(target)
      return async (sql: string, ...more: unknown[]) => {
        const rows: unknown = await value.call(target, sql, ...more)
        if (sql.includes('pg_stat_activity')) await act()
        return rows
      }
    },
  })
}

test('a database that somebody opens right behind the look is not proven closed', async () => {
  const { options } = await server.database()
  const scope = { databases: [options.database] }
  const superuser = await connect({ ...options, user: 'postgres', database: 'postgres' })
  const fence = fenceUnderTest(options)
  await fence.raise(scope, 1)
  const keyhole = await openKeyhole({ connectTo: fence.connectTo, from: [options.database, 'postgres'] })
  const { token } = await raiseFence(keyhole, { epoch: 1, attempt: 2, operation: 'op-one' })
  const asked = { connectTo: fence.connectTo, connectAsWriter: () => connect(options), scope, operation: 'op-one', token }
  const open = () => superuser.execute(`ALTER DATABASE ${options.database} ALLOW_CONNECTIONS true`)
  const { message } = await failureOf(proveClosed(afterLook(keyhole, open), asked), 'FENCE_NOT_PROVEN')
  expect(message).toContain(`${options.database} was opened meanwhile`)
  await Promise.all([keyhole.close(), superuser.close()])
})
