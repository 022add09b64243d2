/** What applications would find otherwise on the new writer: roles, memberships, settings. Two servers, since roles belong to a server. */
import { accessDiffers } from '../../../postgres/replicate/access-differs'
import { startTestServer, type TestServer } from '../support/server'

let servers: TestServer[]
beforeAll(async () => {
  servers = await Promise.all([startTestServer(17), startTestServer(17)])
})
afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())))

const ALIKE = `CREATE ROLE shop_owner NOLOGIN; CREATE ROLE shop_app LOGIN PASSWORD 'a'; GRANT shop_owner TO shop_app;
  GRANT pg_read_all_data TO shop_app; ALTER ROLE shop_app SET search_path = shop, public`

test('what is alike is not told, and each difference is, without a value; who follows and who is master may differ', async () => {
  const [source, standby] = await Promise.all(servers.map(async (server) => (await server.database()).connectAsSuperuser()))
  if (source === undefined || standby === undefined) throw new Error('two were asked for')
  const sides = { source, standby }
  const but = ['follower', (await source.query<{ me: string }>('SELECT current_user AS me'))[0]?.me ?? '']
  for (const session of [source, standby]) await session.execute(ALIKE)
  expect(await accessDiffers(sides, { but })).toEqual([])

  await source.execute(`CREATE ROLE follower LOGIN; CREATE ROLE "Odd one" LOGIN; ALTER ROLE shop_app CONNECTION LIMIT 20;
    ALTER ROLE shop_app SET statement_timeout = '1234ms'; GRANT shop_owner TO "Odd one"`)
  const name = (session: typeof source) => session.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
  await standby.execute(`CREATE ROLE stranger LOGIN; REVOKE pg_read_all_data FROM shop_app; ALTER ROLE shop_app SET search_path = public;
    ALTER DATABASE ${(await name(standby))[0]?.name} SET timezone = 'Asia/Tokyo'`)
  const told = await accessDiffers(sides, { but })
  expect(told).toEqual([
    'The membership of "Odd one" in shop_owner is not on the standby.',
    'The membership of shop_app in pg_read_all_data is not on the standby.',
    'The role "Odd one" is not on the standby.',
    'The role shop_app is LOGIN CONNECTION LIMIT 20 on the source and LOGIN on the standby.',
    expect.stringMatching(/^The setting TimeZone in this database is set on the standby alone\.$/i),
    'The setting search_path of shop_app is another one on the standby.',
    'The setting statement_timeout of shop_app is set on the source alone.',
  ])
  expect(told.join()).not.toMatch(/1234|Tokyo/)
})
