import type { Session } from '../../../../postgres/connect/session'
import { schemaDiffers } from '../../../../postgres/replicate/watch/schema-differs'
import { startTestServer, type TestServer } from '../../support/server'

let servers: readonly TestServer[] = []
let source: Session
let standby: Session
beforeAll(async () => {
  servers = await Promise.all([startTestServer(15), startTestServer(17)])
  const [first, second] = await Promise.all(servers.map(async (server) => (await server.database()).connect()))
  source = first!
  standby = second!
  const sql = `CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL); CREATE INDEX by_name ON items (name); CREATE INDEX by_both ON items (name, id)`
  for (const side of [source, standby]) await side.execute(sql)
})
afterAll(() => Promise.all(servers.map((server) => server.stop())))

const differing = (...setAside: string[]) => schemaDiffers({ source, standby }, { setAside: new Set(setAside) })

test('one schema on 15 and 17 has no difference', async () => {
  expect(await differing()).toEqual([])
})

test('what the role that follows was granted on the source is no difference, and what others were is', async () => {
  await source.execute(`CREATE ROLE follower; CREATE SCHEMA more; CREATE TABLE more.notes (id int, secret text);
    GRANT USAGE ON SCHEMA public, more TO follower; GRANT SELECT ON ALL TABLES IN SCHEMA public TO follower; GRANT SELECT (id) ON more.notes TO follower`)
  await standby.execute('CREATE SCHEMA more; CREATE TABLE more.notes (id int, secret text)')
  expect(await differing()).toEqual(['column more.notes.id', 'schema more', 'schema public', 'table public.items'])
  const without = () => schemaDiffers({ source, standby }, { setAside: new Set(), withoutGrantee: 'follower' })
  expect(await without()).toEqual([])
  await source.execute('CREATE ROLE reader; GRANT SELECT ON items TO reader')
  expect(await without()).toEqual(['table public.items'])
  await source.execute(
    'REVOKE ALL ON items FROM reader; REVOKE ALL ON SCHEMA public FROM follower; REVOKE ALL ON items FROM follower',
  )
  for (const side of [source, standby]) await side.execute('DROP SCHEMA more CASCADE')
})

test('an index that was set aside may be missing on the standby, and on no other side', async () => {
  await standby.execute('DROP INDEX by_name')
  expect(await differing()).toEqual(['index public.by_name'])
  expect(await differing('index public.by_name')).toEqual([])
  await source.execute('DROP INDEX by_both')
  expect(await differing('index public.by_name', 'index public.by_both')).toEqual(['index public.by_both'])
  await standby.execute('DROP INDEX by_both; CREATE INDEX by_name ON items (id)')
  expect(await differing('index public.by_name')).toEqual(['index public.by_name'])
  await standby.execute('DROP INDEX by_name; CREATE INDEX by_name ON items (name)')
})

test('what was changed on one side is told by its name', async () => {
  await source.execute('ALTER TABLE items ADD price int; CREATE TABLE only_here (id int)')
  await standby.execute('ALTER TABLE items ALTER name DROP NOT NULL')
  expect(await differing()).toEqual([
    'column public.items.name',
    'column public.items.price',
    'column public.only_here.id',
    'table public.only_here',
  ])
})
