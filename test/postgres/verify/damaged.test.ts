/** What a damaged index, a lost connection or an error on the way make of a comparison: never `equal`, and never less than was known. */
import { connect, type Session } from '../../../postgres/connect/session'
import { type CompareOptions, compareDatabases } from '../../../postgres/verify/compare'
import type { Comparison, TableResult } from '../../../postgres/verify/compared'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17, { max_connections: '200' })
})
afterAll(() => server?.stop())

interface Pair {
  readonly source: TestDatabase
  readonly target: TestDatabase
  /** Superuser's. */
  readonly there: Session
  compare(options?: Partial<CompareOptions>): Promise<Comparison>
  table(): Promise<TableResult | undefined>
}

async function pairWith(sql: string): Promise<Pair> {
  const [source, target] = [await server.database(), await server.database()]
  for (const database of [source, target]) await (await database.connect()).execute(sql)
  const compare = (options: Partial<CompareOptions> = {}) =>
    compareDatabases({
      source: () => connect({ ...source.options, applicationName: 'comparing' }),
      target: () => connect({ ...target.options, applicationName: 'comparing' }),
      mode: 'static',
      jobs: 2,
      ...options,
    })
  const table = async () => (await compare()).tables[0]
  return { source, target, there: await target.connectAsSuperuser(), compare, table }
}

/** Rows that the unique index of `table` does not know of, as after a damage of its file. */
async function insertBehindIndex(session: Session, index: string, insert: string): Promise<void> {
  const ready = (is: boolean) => `UPDATE pg_index SET indisready = ${is} WHERE indexrelid = '${index}'::regclass`
  await session.execute(ready(false))
  await session.execute(insert)
  await session.execute(ready(true))
}

const SHOP = `CREATE TABLE shop (id int PRIMARY KEY, v text); INSERT INTO shop SELECT g, 'v' || g FROM generate_series(1, 2000) g`

test('a key that is there twice is a row too many, and never taken for the one', async () => {
  const { there, table } = await pairWith(SHOP)
  await insertBehindIndex(there, 'shop_pkey', `INSERT INTO shop VALUES (7, 'v7')`)
  expect(await table()).toMatchObject({
    verdict: 'different',
    rows: { source: 2000, target: 2001 },
    differences: { onlyInSource: 0, onlyInTarget: 1, changed: 0 },
  })
})

test('so many rows of one key that no cut parts them end the search, and differ', async () => {
  const { there, table } = await pairWith(SHOP)
  await insertBehindIndex(there, 'shop_pkey', `INSERT INTO shop SELECT 7, 'v7' FROM generate_series(1, 11000)`)
  expect(await table()).toMatchObject({
    verdict: 'different',
    rows: { source: 2000, target: 13_000 },
    differences: { exact: false },
  })
})

test('rows that only a read of the whole table sees make it different, though no key finds them', async () => {
  const { there, source, target, compare } = await pairWith(SHOP)
  await insertBehindIndex(there, 'shop_pkey', `INSERT INTO shop VALUES (9001, 'hidden')`)
  const byIndex = async (database: TestDatabase) => {
    const session = await connect({ ...database.options, applicationName: 'comparing' })
    await session.set('enable_seqscan', 'off')
    await session.set('enable_bitmapscan', 'off')
    return session
  }
  const { tables, verdict } = await compare({ source: () => byIndex(source), target: () => byIndex(target) })
  expect({ verdict, table: tables[0] }).toMatchObject({
    verdict: 'different',
    table: { verdict: 'different', rows: { source: 2000, target: 2001 }, differences: { exact: false } },
  })
  expect(tables[0]?.note).toContain('index')
})

test('buckets count a key that is there twice, too', async () => {
  const { there, table } = await pairWith(
    `CREATE COLLATION whatever (provider = icu, locale = 'und', deterministic = false);
     CREATE TABLE shop (id text COLLATE whatever PRIMARY KEY, v text); INSERT INTO shop SELECT 'k' || g, 'v' FROM generate_series(1, 200) g`,
  )
  await insertBehindIndex(there, 'shop_pkey', `INSERT INTO shop VALUES ('k7', 'v')`)
  expect(await table()).toMatchObject({
    verdict: 'different',
    method: 'buckets',
    differences: { onlyInSource: 0, onlyInTarget: 1, changed: 0, exact: true },
  })
})

test('when the connection that holds the snapshot is lost nothing is called equal', async () => {
  const many = Array.from({ length: 40 }, (_, at) => `CREATE TABLE t${at} (id int PRIMARY KEY)`).join(';')
  const { there, compare } = await pairWith(many)
  let ended: Promise<object[]> | null = null
  const { verdict, tables } = await compare({
    onProgress: () => {
      // The catalog is what it read last; the others have begun a transaction since.
      ended ??=
        there.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'comparing'
        AND query LIKE '%pg_largeobject_metadata%'`)
    },
  })
  expect(await ended).toHaveLength(1)
  expect(verdict).toBe('inconclusive')
  expect(new Set(tables.map(({ verdict: of }) => of))).toEqual(new Set(['inconclusive']))
})

test('a table that is emptied before the lock is compared as it then is, and one that is altered is not called equal', async () => {
  const { source, there, compare } = await pairWith(
    `${SHOP}; CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)`,
  )
  // The sessions that read are opened first: the last to be opened is the one that locks.
  let opened = 0
  const { verdict, tables, structure } = await compare({
    target: async () => {
      opened += 1
      if (opened === 3) await there.execute('TRUNCATE other; ALTER TABLE shop ADD COLUMN w int; CREATE TABLE came (id int)')
      return connect({ ...there.endpoint, ...source.options, database: there.endpoint.database, applicationName: 'comparing' })
    },
  })
  expect(verdict).toBe('different')
  expect(tables.map(({ table, verdict: of, rows }) => [table, of, rows])).toEqual([
    ['public.other', 'different', { source: 1, target: 0 }],
    ['public.shop', 'inconclusive', null],
    ['public.came', 'inconclusive', null],
  ])
  expect(structure.map(({ kind, table }) => [kind, table])).toEqual([
    ['table-missing', 'public.came'],
    ['column-missing', 'public.shop'],
  ])
})

test('a partition that is attached meanwhile takes its table’s verdict back', async () => {
  const { there, compare } = await pairWith(`
    CREATE TABLE events (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100); INSERT INTO events VALUES (1);
    CREATE TABLE later (id int PRIMARY KEY)`)
  let attached: Promise<unknown> | null = null
  const { verdict, tables } = await compare({
    selection: { tables: ['events'], exclude: [] },
    onProgress: ({ tablesDone }) => {
      if (tablesDone === 1) attached ??= there.execute('ALTER TABLE events ATTACH PARTITION later FOR VALUES FROM (100) TO (200)')
    },
  })
  await attached
  expect(verdict).toBe('inconclusive')
  expect(tables[0]?.note).toContain('definition')
})

test('a partition that the role may not read is named', async () => {
  const { source, compare } = await pairWith(`
    CREATE TABLE events (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE events_1 PARTITION OF events DEFAULT`)
  await (await source.connectAsSuperuser()).execute('ALTER TABLE events_1 OWNER TO postgres; REVOKE ALL ON events_1 FROM master')
  const { verdict, tables } = await compare()
  expect(verdict).toBe('inconclusive')
  expect(tables[0]?.note).toContain('its partition public.events_1 in the source: grant SELECT')
})

test('a database is not compared with itself, whatever it is called', async () => {
  const { source, compare } = await pairWith(SHOP)
  const again = () => connect({ ...source.options, host: 'localhost' })
  await expect(compare({ target: again })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining('the same database'),
  })
})

test('locks do not add up: the readers hold those of one table at most', async () => {
  const many = Array.from({ length: 12 }, (_, at) => `CREATE TABLE t${at} (id int PRIMARY KEY)`).join(';')
  const { there, compare } = await pairWith(many)
  const asked: Promise<{ pid: number; locks: number }[]>[] = []
  await compare({
    onProgress: ({ tablesDone }) => {
      if (tablesDone > 0)
        asked.push(
          there.query<{ pid: number; locks: number }>(
            `SELECT pid, count(*)::int AS locks FROM pg_locks l JOIN pg_stat_activity a USING (pid)
              WHERE l.relation >= 16384 AND a.application_name = 'comparing' AND a.datname = current_database() GROUP BY pid`,
          ),
        )
    },
  })
  const looks = await Promise.all(asked)
  // One connection holds them all, and lets go of them one by one at the end.
  const holder = looks[0]?.find(({ locks }) => locks >= 12)?.pid
  expect(holder).toBeDefined()
  const most = looks.map((found) => Math.max(0, ...found.filter(({ pid }) => pid !== holder).map(({ locks }) => locks)))
  expect(most.length).toBeGreaterThan(10)
  expect(Math.max(...most)).toBeLessThan(5)
})
