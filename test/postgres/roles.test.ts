import type { Session } from '../../postgres/connect/session'
import { describeRoles, differingRoles } from '../../postgres/inspect/roles'
import { startTestServer, type TestServer } from './support/server'

const servers: TestServer[] = []
const sessions: Session[] = []
beforeAll(async () => {
  servers.push(...(await Promise.all([startTestServer(15), startTestServer(17)])))
  sessions.push(...(await Promise.all(servers.map(async (server) => (await server.database()).connect()))))
  for (const session of sessions) await session.execute(SETUP)
})
afterAll(() => Promise.all(servers.map((server) => server.stop())))

const SETUP = `
  CREATE ROLE readers; CREATE ROLE app LOGIN PASSWORD 'never-told' CONNECTION LIMIT 5 VALID UNTIL '2030-01-01 00:00:00+00';
  CREATE ROLE heads;
  GRANT readers TO app; GRANT readers TO CURRENT_USER; GRANT readers TO heads WITH ADMIN OPTION;
  ALTER ROLE app SET statement_timeout = '5s'; ALTER ROLE app SET application_name = 'kept-secret';
  DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '8MB'); END $$;
  CREATE EXTENSION pg_trgm;
  CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, note text); CREATE VIEW shop.all_orders AS SELECT * FROM shop.orders;
  CREATE FUNCTION shop.total(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
  GRANT USAGE, CREATE ON SCHEMA shop TO readers; GRANT SELECT (id) ON shop.orders TO readers; GRANT SELECT ON shop.all_orders TO app;
  ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO readers;`

test('roles, memberships, settings, owners, grants and extensions are told, and no secret', async () => {
  for (const session of sessions) {
    const { items, fingerprint } = await describeRoles(session)
    expect(items).toMatchObject({
      'role app': 'LOGIN INHERIT CONNECTION LIMIT 5 VALID UNTIL 2030-01-01 00:00:00+00',
      'role readers': 'NOLOGIN INHERIT CONNECTION LIMIT -1',
      'membership of app in readers': 'member',
      'membership of heads in readers': 'WITH ADMIN OPTION',
      'setting statement_timeout of role app': expect.stringMatching(/^sha256 [0-9a-f]{16}$/),
      'setting work_mem in this database': expect.stringMatching(/^sha256/),
      'extension pg_trgm': expect.stringMatching(/^version 1\.\d+ in public$/),
      'grants of column shop.orders.id': expect.stringMatching(/^readers=r\//),
      'grants of schema shop': expect.stringContaining('readers=UC/'),
      'grants of view shop.all_orders': expect.stringContaining('app=r/'),
      'grants of routine shop.total(integer)': expect.stringMatching(/^owner \w+, default$/),
    })
    expect(Object.keys(items)).toContainEqual(expect.stringMatching(/^default grants of \w+ in shop for r$/))
    expect(Object.keys(items).filter((id) => id.startsWith('role pg_'))).toEqual([])
    expect(JSON.stringify(items)).not.toMatch(/never-told|kept-secret/)
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(differingRoles(await describeRoles(session), { version: 1, fingerprint, items })).toEqual([])
  }
})

test.each([
  ['REVOKE readers FROM app', 'membership of app in readers: is gone'],
  ['ALTER ROLE app NOLOGIN', /^role app: was "LOGIN .*", is "NOLOGIN .*"$/],
  [`ALTER ROLE app SET application_name = 'another'`, /^setting application_name of role app: was "sha256 /],
  ['ALTER ROLE app RESET statement_timeout', 'setting statement_timeout of role app: is gone'],
  ['ALTER TABLE shop.orders OWNER TO readers', /^grants of table shop\.orders: was "owner /],
  ['GRANT EXECUTE ON FUNCTION shop.total(int) TO app', /^grants of routine shop\.total\(integer\): was /],
  ['DROP EXTENSION pg_trgm', 'extension pg_trgm: is gone'],
  ['CREATE ROLE late', 'role late: is new'],
  [`SELECT set_config('TimeZone', 'Asia/Tokyo', false)`, null],
])('%s makes a difference that is named, and no other', async (sql, said) => {
  const [session] = sessions
  if (session === undefined) throw new Error('no session')
  const before = await describeRoles(session)
  await session.execute(sql)
  const after = await describeRoles(session)
  const lines = differingRoles(before, after)
  expect(before.fingerprint === after.fingerprint).toBe(said === null)
  expect(lines.filter((line) => !line.startsWith('grants of column'))).toEqual(
    said === null ? [] : [typeof said === 'string' ? said : expect.stringMatching(said)],
  )
})
