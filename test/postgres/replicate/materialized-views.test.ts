/** What nobody sends, and a standby fills by itself. */
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { raiseFence } from '../../../postgres/migrate/fence'
import { filledViews, refreshViews } from '../../../postgres/replicate/materialized-views'
import { failureOf } from '../support/apply'
import { startTestServer, type TestServer } from '../support/server'
import { valuesOf } from './support'

/** By name the one that is read comes last, and a plain view is in between. */
const VIEWS = `CREATE TABLE t (n int NOT NULL);
  CREATE MATERIALIZED VIEW z AS SELECT count(*)::int AS n FROM t;
  CREATE VIEW m AS SELECT n FROM z;
  CREATE MATERIALIZED VIEW "A odd" AS SELECT n FROM m;
  CREATE MATERIALIZED VIEW broken AS SELECT 1 / n AS n FROM t;
  CREATE MATERIALIZED VIEW empty AS SELECT n FROM t WITH NO DATA;`

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(major)
  })
  afterAll(() => server?.stop())

  test('each is filled after what it reads; one that cannot be keeps no other; one that holds nothing stays so', async () => {
    const standby = await (await server.database()).connect()
    await standby.execute(VIEWS)
    const views = await filledViews(standby)
    expect(views).toEqual(['public."A odd"', 'public.broken', 'public.z'])
    await standby.execute('INSERT INTO t VALUES (0), (1)')
    const seen: string[] = []
    const { refreshed, left } = await refreshViews({
      standby,
      views: [...views, 'public.gone'],
      onProgress: (view) => seen.push(view),
    })
    expect(seen).toEqual(['public.z', 'public."A odd"', 'public.broken'])
    expect(refreshed).toEqual(['public.z', 'public."A odd"'])
    expect(left).toEqual(['public.gone: it is not there', expect.stringMatching(/^public\.broken: 22012: /)])
    expect(await valuesOf(standby, 'SELECT n::text FROM "A odd"')).toEqual(['2'])
    expect(await valuesOf(standby, 'SELECT relispopulated::text FROM pg_class WHERE relname = $$empty$$')).toEqual(['false'])
  })

  test('of a database that is read nobody waits where a view can be told row by row, and what takes too long is given up', async () => {
    const database = await server.database()
    const [standby, reader] = [await database.connect(), await database.connect()]
    await standby.execute(`CREATE TABLE t (n int NOT NULL); CREATE MATERIALIZED VIEW v AS SELECT n FROM t; CREATE UNIQUE INDEX ON v (n);
      CREATE MATERIALIZED VIEW part AS SELECT n FROM t; CREATE UNIQUE INDEX ON part (n) WHERE n > 0;
      CREATE MATERIALIZED VIEW slow AS SELECT n, pg_sleep(30)::text FROM t; INSERT INTO t VALUES (1)`)
    await reader.execute('BEGIN; SELECT FROM v')
    const { refreshed, left } = await refreshViews({ standby, servedMsMax: 1_000 })
    await reader.close()
    expect(refreshed).toEqual(['public.part', 'public.v'])
    expect(left).toEqual([expect.stringMatching(/^public\.slow: 57014: /)])
    expect(await valuesOf(standby, 'SELECT n::text FROM v')).toEqual(['1'])
  })

  test('whoever is not the owner is told so, and an attempt that was overtaken fills nothing', async () => {
    const database = await server.database()
    const master = await database.connect()
    await ensureControlSchema(master)
    await master.execute('CREATE TABLE t (n int); CREATE MATERIALIZED VIEW v AS SELECT count(*)::int AS n FROM t')
    const token = { epoch: 1, attempt: 1 }
    await raiseFence(master, { ...token, operation: 'one' })
    await raiseFence(master, { ...token, epoch: 2, operation: 'two' })
    await master.execute('INSERT INTO t VALUES (1)')
    expect(await failureOf(refreshViews({ standby: master, token }))).toMatchObject({ code: 'FENCED_OFF' })
    expect(await valuesOf(master, 'SELECT n::text FROM v')).toEqual(['0'])
    const superuser = await database.connectAsSuperuser()
    await superuser.execute('CREATE ROLE stranger_views; GRANT USAGE ON SCHEMA public TO stranger_views; SET ROLE stranger_views')
    const { left } = await refreshViews({ standby: superuser })
    expect(left).toEqual([expect.stringMatching(/^public\.v: 42501: /)])
  })
})
