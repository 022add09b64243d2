/** What a comparison does at its limits: statements that are stopped, a server that has no room for locks, more rows than are looked for. They
 *  take too long for every run. */
import { connect, type Session } from '../../../postgres/connect/session'
import { compareDatabases } from '../../../postgres/verify/compare'
import type { Comparison } from '../../../postgres/verify/compared'
import { until } from '../../support/eventually'
import { startTestServer, type TestServer } from '../support/server'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17, { max_wal_size: '4GB' })
})
afterAll(() => server?.stop())

async function pairWith(sql: string): Promise<{ there: Session; watching: Session; compare(): Promise<Comparison> }> {
  const [source, target] = [await server.database(), await server.database()]
  for (const database of [source, target]) await (await database.connect()).execute(sql)
  const compare = () =>
    compareDatabases({
      source: () => connect(source.options),
      target: () => connect({ ...target.options, applicationName: 'comparing' }),
      mode: 'static',
      jobs: 2,
    })
  return { there: await target.connectAsSuperuser(), watching: await target.connect(), compare }
}

test('a statement that takes too long is asked again in smaller pieces, over blocks and over keys', async () => {
  const { there, watching, compare } = await pairWith(
    `CREATE TABLE long (id int PRIMARY KEY, v text); INSERT INTO long SELECT g, repeat(md5(g::text), 120) FROM generate_series(1, 25000) g`,
  )
  await there.execute(`UPDATE long SET v = 'short' WHERE id IN (7, 24999)`)
  // Stops one statement of each kind that has run for 10 ms, as its time limit would after a minute.
  await there.execute(`CREATE FUNCTION stop_each(VARIADIC patterns text[]) RETURNS int LANGUAGE plpgsql AS $$
    DECLARE pattern text; stopped boolean; BEGIN
      FOREACH pattern IN ARRAY patterns LOOP
        stopped := NULL;
        WHILE stopped IS NULL LOOP
          PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
          SELECT pg_cancel_backend(pid) INTO stopped FROM pg_stat_activity WHERE application_name = 'comparing' AND state = 'active'
             AND query LIKE pattern AND clock_timestamp() - query_start > interval '10 ms' LIMIT 1;
        END LOOP;
      END LOOP;
      RETURN cardinality(patterns); END $$`)
  const leave = new AbortController()
  const kinds = ['SELECT count(*)%FROM ONLY%AS t', 'SELECT count(*)%AS t WHERE ROW(%']
  const stopping = there.query<{ stopped: number }>('SELECT stop_each($1, $2) AS stopped', kinds, { signal: leave.signal })
  await until(
    'the comparison to sleep',
    async () => (await watching.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)).length > 0,
  )
  const compared = compare().finally(() => leave.abort(new Error('not each was stopped')))
  expect(await stopping).toEqual([{ stopped: 2 }])
  const { tables } = await compared
  expect(tables[0]).toMatchObject({
    verdict: 'different',
    rows: { source: 25_000, target: 25_000 },
    differences: { onlyInSource: 0, onlyInTarget: 0, changed: 2, exact: true },
    note: null,
  })
  expect(tables[0]?.sample.map(({ key }) => Number(key)).sort((a, b) => a - b)).toEqual([7, 24_999])
})

test('a server that has no room for more locks is told so, and nothing is compared', async () => {
  const many = Array.from({ length: 60 }, (_, at) => `CREATE TABLE t${at} (id int PRIMARY KEY)`).join(';')
  const { there, compare } = await pairWith(many)
  await expect(there.query('SELECT pg_advisory_lock(g) FROM generate_series(1, 1000000) g')).rejects.toMatchObject({
    sqlState: '53200',
  })
  try {
    await there.query('SELECT pg_advisory_unlock(g) FROM generate_series(1, 20) g')
    await expect(compare()).rejects.toMatchObject({
      code: 'DATABASE_REFUSED',
      message: expect.stringContaining('has no room for more locks'),
    })
  } finally {
    await there.query('SELECT pg_advisory_unlock_all()')
  }
  expect((await compare()).verdict).toBe('equal')
})

test('after eight reads of the whole table it stops looking for rows, and says at least how many differ', async () => {
  const { there, compare } = await pairWith('CREATE TABLE bag (v int)')
  await there.execute('INSERT INTO bag SELECT g % 9 FROM generate_series(1, 1800000) g')
  const { tables } = await compare()
  expect(tables[0]).toMatchObject({
    verdict: 'different',
    rows: { source: 0, target: 1_800_000 },
    differences: { onlyInSource: 0, onlyInTarget: 1_600_000, changed: 0, exact: false },
    note: 'Too many rows differ to be looked for one by one.',
  })
  expect(tables[0]?.sample).toHaveLength(8)
})

test('rows of one key that are too many to be held are known to differ, and not told', async () => {
  const { there, compare } = await pairWith(
    `CREATE COLLATION whatever (provider = icu, locale = 'und', deterministic = false);
     CREATE TABLE shop (id text COLLATE whatever PRIMARY KEY, v text); INSERT INTO shop SELECT 'k' || g, 'v' FROM generate_series(1, 200) g`,
  )
  const ready = (is: boolean) => `UPDATE pg_index SET indisready = ${is} WHERE indexrelid = 'shop_pkey'::regclass`
  // As after a damage of the index, which then lets a key in again.
  await there.execute(ready(false))
  await there.execute(`INSERT INTO shop SELECT 'k7', 'v' FROM generate_series(1, 400100)`)
  await there.execute(ready(true))
  const { tables } = await compare()
  expect(tables[0]).toMatchObject({
    verdict: 'different',
    rows: { source: 200, target: 400_300 },
    differences: { exact: false },
    note: expect.stringContaining('share a hash'),
  })
})
