import type { Session } from '../../postgres/connect/session'
import { askPredicate, preparePredicate } from '../../postgres/inspect/predicate'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

let server: TestServer
let database: TestDatabase
let session: Session
beforeAll(async () => {
  server = await startTestServer(17)
  database = await server.database()
  const superuser = await database.connectAsSuperuser()
  await superuser.execute(`
    CREATE TABLE public.orders (id int PRIMARY KEY, shop text NOT NULL);
    INSERT INTO public.orders SELECT g, 'shop ' || g % 2 FROM generate_series(1, 10) g;
    CREATE TABLE public.tenants AS SELECT * FROM public.orders;
    ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
    CREATE POLICY half ON public.tenants USING (shop = 'shop 1');
    GRANT SELECT ON public.orders, public.tenants TO master;`)
  session = await database.connect()
})
afterAll(() => server.stop())

const { signal } = new AbortController()
const ask = (sql: string, on = session) => askPredicate(on, sql, { signal })

test('the answer comes with the role that gave it', async () => {
  expect(await ask('SELECT count(*) = 10 FROM public.orders')).toEqual({ holds: true, role: 'master' })
  const superuser = await database.connectAsSuperuser()
  expect(await ask('SELECT count(*) = 9 FROM public.orders', superuser)).toEqual({ holds: false, role: 'postgres' })
})

test('rows that a policy hides are no answer: PostgreSQL refuses, when it is planned and when it is asked', async () => {
  const hidden = 'SELECT count(*) = 10 FROM public.tenants'
  const why = expect.stringMatching(/row-level .* policy for table "tenants" \(SQLSTATE 42501\)$/)
  expect(await preparePredicate(session, hidden)).toEqual(why)
  expect(await ask(hidden)).toEqual({ why })
})

test('what is more than one SELECT is refused here too, and nothing of it is run', async () => {
  const escaping = 'SELECT true) AS asked (answer); COMMIT; CREATE TABLE public.made (); SELECT true FROM (SELECT true'
  for (const refused of [preparePredicate(session, escaping), ask(escaping)]) {
    await expect(refused).rejects.toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('--holds') })
  }
  expect(await session.query(`SELECT pg_catalog.to_regclass('public.made') AS made`)).toEqual([{ made: null }])
})
