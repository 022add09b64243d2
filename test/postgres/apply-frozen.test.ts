import { apply, failureOf } from './support/apply'
import { startTestServer, type TestServer } from './support/server'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(15)
})
afterAll(() => server.stop())

test('an abort ends an apply although the server is frozen, and the next one goes on from what was committed', async () => {
  const database = await server.database()
  const scripts = { 'V1__one.sql': 'CREATE TABLE one ();', 'V2__two.sql': 'CREATE TABLE two (); SELECT pg_sleep(120);' }
  const leaving = new AbortController()
  const applying = apply(database, scripts, {
    signal: leaving.signal,
    onEvent: (event) => {
      if (event.type !== 'statement-started' || !event.kind.includes('SELECT')) return
      // once the statement is on its way
      setImmediate(() => {
        server.freeze()
        leaving.abort(new Error('leave'))
      })
    },
  })
  // it ends while the server is still frozen: nothing thaws it before
  await expect(applying).rejects.toThrow()
  server.thaw()

  const again = await apply(database, { ...scripts, 'V2__two.sql': 'CREATE TABLE two ();' })
  expect(again.applied.map(({ script }) => script)).toEqual(['V2__two.sql'])
})

test('a refused migration leaves a session that answers', async () => {
  const database = await server.database()
  await failureOf(apply(database, { 'V1__bad.sql': 'SELECT nothing;' }), 'MIGRATION_FAILED')
  expect((await apply(database, { 'V1__good.sql': 'CREATE TABLE good ();' })).version).toBe('1')
})
