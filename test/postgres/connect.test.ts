import { createConnection, createServer, type Server } from 'node:net'
import fc from 'fast-check'
import { quoteIdentifier, quoteQualified } from '../../postgres/connect/quote'
import { connect, refusePooler } from '../../postgres/connect/session'
import { parsePostgresUrl } from '../../postgres/connect/url'
import { applyMigrations } from '../../postgres/migrate/apply'
import { until } from '../support/eventually'
import { failureOf } from './support/apply'
import { startCuttingProxy } from './support/cutting-proxy'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

let server: TestServer
let database: TestDatabase
beforeAll(async () => {
  server = await startTestServer(15)
  database = await server.database()
})
afterAll(() => server?.stop())

test('any name is a safe identifier', async () => {
  const session = await database.connect()
  await fc.assert(
    fc.asyncProperty(
      fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 15 })
        .filter((name) => !name.includes('\0') && Buffer.byteLength(name) <= 63),
      async (name) => {
        const [row] = await session.query(`SELECT 1 AS ${quoteIdentifier(name)}`)
        expect(Object.keys(row ?? {})).toEqual([name])
      },
    ),
    { numRuns: 50 },
  )
  expect(quoteQualified('a"b', 'c.d')).toBe('"a""b"."c.d"')
  expect(() => quoteIdentifier('a\0')).toThrow('NUL')
})

test('results are plain values', async () => {
  const session = await database.connect()
  const [row] = await session.query(
    `SELECT 1::int8 AS small, 9007199254740993::int8 AS large, 1.50::numeric AS exact, timestamptz '2026-01-02 03:04:05.678912+02' AS at,
            '0/16B3748'::pg_lsn AS lsn, '\\x00ff'::bytea AS bytes, date '2026-01-02' AS day, null AS nothing, '{a,b}'::text[] AS list`,
  )
  expect(row).toEqual({
    small: 1,
    large: '9007199254740993',
    exact: '1.50',
    at: '2026-01-02T01:04:05.678Z',
    lsn: '0/16B3748',
    bytes: '\\x00ff',
    day: '2026-01-02',
    nothing: null,
    list: ['a', 'b'],
  })
})

test('nobody listening is unreachable, a wrong password is rejected, a wrong database is unknown', async () => {
  const proxy = await startCuttingProxy(server)
  await proxy.close()
  const { options } = database
  expect((await failureOf(connect({ ...options, port: proxy.port }), 'DATABASE_UNREACHABLE')).message).toContain('ECONNREFUSED')
  expect((await failureOf(connect({ ...options, password: 'wrong-one' }), 'CREDENTIALS_REJECTED')).message).not.toContain(
    'wrong-one',
  )
  await failureOf(connect({ ...options, password: '' }), 'CREDENTIALS_REJECTED')
  await failureOf(connect({ ...options, database: 'nowhere' }), 'DATABASE_UNKNOWN')
  await failureOf(connect({ ...options, tls: 'require' }), 'OPTION_INVALID')
})

test('a server that never answers is given up', async () => {
  const silent: Server = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const port = portOf(silent)
  const failure = await failureOf(connect({ ...database.options, port, connectTimeoutMs: 100 }), 'DATABASE_UNREACHABLE')
  expect(failure.message).toContain('no answer in time')
  silent.close()
})

test('a session comes from the address it was told to', async () => {
  const seen: (string | undefined)[] = []
  const listener = createServer((socket) => {
    seen.push(socket.remoteAddress)
    socket.destroy()
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  await failureOf(connect({ ...database.options, port: portOf(listener), sourceAddress: '127.0.0.77' }), 'DATABASE_UNREACHABLE')
  expect(seen).toEqual(['127.0.0.77'])
  listener.close()
})

test('a session that the server ended between two statements fails with what the server said', async () => {
  const [session, other] = [await database.connect(), await database.connect()]
  await other.query('SELECT pg_terminate_backend($1)', [session.backendPid])
  await until('its end', async () => !session.open)
  expect((await failureOf(session.query('SELECT 1'), 'CONNECTION_LOST')).facts.reason).toBe('57P01')
})

test('the server notices a dead client and the session pins what results depend on', async () => {
  const session = await database.connect()
  const [row] = await session.query(
    `SELECT current_setting('client_connection_check_interval') AS check, current_setting('TimeZone') AS zone, current_setting('application_name') AS name`,
  )
  expect(row).toEqual({ check: '500ms', zone: 'UTC', name: 'test' })
})

test('reset forgets what a script set and keeps what the session was given', async () => {
  const session = await database.connect()
  await session.set('application_name', 'c1.2 tagged')
  await session.execute(`SET search_path = ''; SET TimeZone = 'Asia/Tokyo'; SET ROLE pg_monitor`)
  await session.reset()
  expect(
    await session.query(
      `SELECT current_setting('search_path') AS path, current_setting('TimeZone') AS zone, current_setting('application_name') AS name, current_user::text AS role`,
    ),
  ).toEqual([{ path: '"$user", public', zone: 'UTC', name: 'c1.2 tagged', role: 'master' }])
})

test('an abort cancels the statement on the server and leaves the session usable', async () => {
  const session = await database.connect()
  const abort = new AbortController()
  const reason = new Error('enough')
  const running = session.query('SELECT pg_sleep(60)', [], { signal: abort.signal })
  abort.abort(reason)

  await expect(running).rejects.toBe(reason)
  await expect(session.query('SELECT 1', [], { signal: abort.signal })).rejects.toBe(reason)
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('a lost connection fails the statement under way and all later ones, and nothing else', async () => {
  const proxy = await startCuttingProxy(server)
  const session = await connect({ ...database.options, port: proxy.port })
  const running = failureOf(session.query('SELECT pg_sleep(60)'), 'CONNECTION_LOST')
  proxy.cutAll()

  await running
  expect(session.open).toBe(false)
  await failureOf(session.query('SELECT 1'), 'CONNECTION_LOST')
  await session.close()
  await proxy.close()
})

test('a failed COPY leaves the session usable', async () => {
  const session = await database.connect()
  await session.execute('CREATE TABLE copied (a int)')
  await expect(session.copyIn('COPY copied FROM stdin', '1\nx\n')).rejects.toMatchObject({ sqlState: '22P02' })
  expect(await session.copyIn('COPY copied FROM stdin', '1\n2\n')).toBe(2)
  await expect(session.copyIn('COPY missing FROM stdin', '1\n')).rejects.toMatchObject({ sqlState: '42P01' })
  expect(await session.query('SELECT count(*) AS rows FROM copied')).toEqual([{ rows: 2 }])
})

test('a statement with its COMMIT is committed whole or not at all, and leaves the session usable', async () => {
  const session = await database.connect()
  const other = await database.connect()
  await session.execute('CREATE TABLE kept (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, note text)')
  const insert = 'INSERT INTO kept VALUES ($1::int, $2)'
  const kept = () => other.query('SELECT id, note FROM kept ORDER BY id')

  await session.execute('BEGIN')
  await session.commitWith(insert, [1, "it's"])
  await session.execute('BEGIN')
  await session.commitWith(insert, [2, null])
  await session.execute('BEGIN; INSERT INTO kept VALUES (3)')
  await expect(session.commitWith('INSERT INTO missing VALUES ($1)', [4])).rejects.toMatchObject({ sqlState: '42P01' })
  await session.execute('ROLLBACK; BEGIN')
  await expect(session.commitWith(insert, [1, 'twice'])).rejects.toMatchObject({ sqlState: '23505' })

  await session.execute('BEGIN')
  const next = await session.commitWith(insert, [5, 'more'], ['BEGIN', 'SELECT count(*), null FROM kept'])
  expect(next).toEqual({ fields: ['3', null], failed: false })
  const broken = await session.commitWith(insert, [6, 'last'], ['BEGIN', 'SELECT missing'])
  expect(broken).toEqual({ fields: null, failed: true })
  await session.execute('ROLLBACK')

  expect(await kept()).toEqual([
    { id: 1, note: "it's" },
    { id: 2, note: null },
    { id: 5, note: 'more' },
    { id: 6, note: 'last' },
  ])
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('a pooler is told from the server by the backend that answered the handshake', async () => {
  const direct = await database.connect()
  expect(() => refusePooler(direct)).not.toThrow()

  const pooler = await startFakePooler(server)
  const pooled = await connect({ ...database.options, port: portOf(pooler) })
  expect(pooled.pooled).toBe(true)
  const refused = await failureOf(
    applyMigrations({ connect: () => connect({ ...database.options, port: portOf(pooler) }), resolved: [] }),
    'POOLER_REFUSED',
  )
  expect(refused.message).toContain('connection pooler')
  await pooled.close()
  pooler.close()
})

test.each([
  [
    'postgres://ann:p%40ss@db.example:6543/shop?sslmode=verify-full&application_name=me',
    {
      host: 'db.example',
      port: 6543,
      database: 'shop',
      user: 'ann',
      password: 'p@ss',
      tls: 'verify-full',
      applicationName: 'me',
    },
  ],
  [
    'postgresql://ann@[::1]',
    { host: '::1', port: 5432, database: 'ann', user: 'ann', password: '', tls: 'disable', applicationName: 'capstan' },
  ],
])('%s is understood', (url, expected) => {
  expect(parsePostgresUrl(url, { applicationName: 'capstan' })).toEqual(expected)
})

test.each([
  '',
  'shop',
  'mysql://a@b/c',
  'postgres:///shop',
  'postgres://host/shop',
  'postgres://a:%zz@h/d',
  'postgres://a@h/d?sslmode=prefer',
  'postgres://a@h/d?host=x',
])('%j is refused with one sentence', async (url) => {
  const failure = await failureOf(
    Promise.resolve().then(() => parsePostgresUrl(url, { applicationName: 'x' })),
    'OPTION_INVALID',
  )
  expect(failure.message).toMatch(/\.$/)
})

function portOf(listener: Server): number {
  const address = listener.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Hands out process numbers of its own, as PgBouncer and RDS Proxy do. */
async function startFakePooler(target: { host: string; port: number }): Promise<Server> {
  const pooler = createServer((client) => {
    const upstream = createConnection(target.port, target.host)
    client.pipe(upstream)
    upstream.on('data', (data) => {
      const at = data.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
      if (at >= 0) data.writeUInt32BE(1, at + 5)
      client.write(data)
    })
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => pooler.listen(0, '127.0.0.1', resolve))
  return pooler
}
