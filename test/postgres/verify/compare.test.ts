/** What a comparison of two databases says in the cases that are met in the field; random ones are in brute-force.test.ts. */
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
  readonly databases: readonly [TestDatabase, TestDatabase]
  readonly source: Session
  readonly target: Session
  compare(options?: Partial<CompareOptions>): Promise<Comparison>
  table(options?: Partial<CompareOptions>): Promise<TableResult>
}

/** Two databases with the same in them. */
async function pairWith(sql: string): Promise<Pair> {
  const [one, other] = [await server.database(), await server.database()]
  const [source, target] = [await one.connect(), await other.connect()]
  for (const session of [source, target]) await session.execute(sql)
  const compare = (options: Partial<CompareOptions> = {}) =>
    compareDatabases({
      source: () => connect({ ...one.options, applicationName: 'comparing' }),
      target: () => connect({ ...other.options, applicationName: 'comparing' }),
      mode: 'static',
      jobs: 2,
      ...options,
    })
  const table = async (options: Partial<CompareOptions> = {}) => {
    const { tables } = await compare(options)
    const [only] = tables
    if (only === undefined) throw new Error('one table was compared')
    return only
  }
  return { databases: [one, other], source, target, compare, table }
}

const ORDERS = `
  CREATE TABLE orders (id bigint PRIMARY KEY, customer int, note text, at timestamptz);
  INSERT INTO orders SELECT g, g % 100, 'note ' || g, '2024-01-01'::timestamptz + g * interval '1 s' FROM generate_series(1, 60000) g`

test('a large table that is the same is proven so by one sum a side', async () => {
  const { table } = await pairWith(ORDERS)
  expect(await table()).toEqual({
    table: 'public.orders',
    verdict: 'equal',
    method: 'sums',
    key: ['id'],
    rows: { source: 60_000, target: 60_000 },
    differences: { onlyInSource: 0, onlyInTarget: 0, changed: 0, exact: true },
    sample: [],
    unsettled: 0,
    note: null,
  })
})

test('differences anywhere in a large table are found to the exact keys, with the columns', async () => {
  const { target, table } = await pairWith(ORDERS)
  await target.execute(`
    DELETE FROM orders WHERE id = 1;
    UPDATE orders SET note = 'other' WHERE id = 30000;
    UPDATE orders SET customer = customer + 1, at = at + interval '1 us' WHERE id = 59999;
    INSERT INTO orders VALUES (-5, 1, 'before all', now()), (4294967297, 1, 'behind all', now())`)
  const { verdict, method, differences, sample } = await table()
  expect({ verdict, method, differences }).toEqual({
    verdict: 'different',
    method: 'ranges',
    differences: { onlyInSource: 1, onlyInTarget: 2, changed: 2, exact: true },
  })
  expect([...sample].sort((a, b) => Number(a.key) - Number(b.key))).toEqual([
    { kind: 'only-in-target', key: ['-5'], count: 1, columns: [] },
    { kind: 'only-in-source', key: ['1'], count: 1, columns: [] },
    { kind: 'changed', key: ['30000'], count: 1, columns: [{ column: 'note' }] },
    { kind: 'changed', key: ['59999'], count: 1, columns: [{ column: 'at' }, { column: 'customer' }] },
    { kind: 'only-in-target', key: ['4294967297'], count: 1, columns: [] },
  ])
})

test('values that rows have swapped are seen, which a sum of record hashes misses two times in three', async () => {
  const { source, target, table } = await pairWith(`
    CREATE TABLE swapped (id int PRIMARY KEY, note text); INSERT INTO swapped SELECT g, md5(g::text) FROM generate_series(1, 400) g`)
  await target.execute(`
    UPDATE swapped s SET note = o.note FROM swapped o WHERE o.id = CASE WHEN s.id % 2 = 0 THEN s.id - 1 ELSE s.id + 1 END`)
  expect((await table()).differences).toEqual({ onlyInSource: 0, onlyInTarget: 0, changed: 400, exact: true })
  const naive = `SELECT (id + 1) / 2 AS two, sum(hash_record_extended(s, 0))::text AS sum FROM swapped s GROUP BY 1`
  const sums = async (session: Session) =>
    new Map((await session.query<{ two: number; sum: string }>(naive)).map(({ two, sum }) => [two, sum]))
  const [one, other] = [await sums(source), await sums(target)]
  const missed = [...one].filter(([two, sum]) => other.get(two) === sum).length
  expect(missed).toBeGreaterThan(100)
})

test('a table that is empty on one side is counted whole without naming every row', async () => {
  const { target, table } = await pairWith(ORDERS)
  await target.execute('TRUNCATE orders')
  const { differences, rows, sample } = await table()
  expect(differences).toEqual({ onlyInSource: 60_000, onlyInTarget: 0, changed: 0, exact: true })
  expect(rows).toEqual({ source: 60_000, target: 0 })
  expect(sample).toHaveLength(20)
})

test('when all rows differ it stops looking, and says at least how many', async () => {
  const { target, table } = await pairWith(ORDERS)
  await target.execute('UPDATE orders SET customer = -1')
  const { differences, verdict } = await table()
  expect({ verdict, exact: differences.exact }).toEqual({ verdict: 'different', exact: false })
  expect(differences.changed).toBeGreaterThanOrEqual(10_000)
})

test('rows without a key are a bag: how often each is there counts', async () => {
  const { target, table } = await pairWith(
    `CREATE TABLE bag (a int, b json); INSERT INTO bag SELECT g % 10, '{"a":1}' FROM generate_series(1, 3000) g`,
  )
  expect(await table()).toMatchObject({ verdict: 'equal', key: null })
  await target.execute(`DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE a = 3 LIMIT 2);
    INSERT INTO bag VALUES (3, '{"a": 1}')`)
  expect(await table()).toMatchObject({
    verdict: 'different',
    method: 'buckets',
    differences: { onlyInSource: 2, onlyInTarget: 1, changed: 0, exact: true },
  })
})

test('partitions may be cut otherwise, columns may stand otherwise, children are tables of their own', async () => {
  const { source, target, compare } = await pairWith(
    'CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent)',
  )
  await source.execute(`
    CREATE TABLE events (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
    CREATE TABLE events_2 PARTITION OF events DEFAULT`)
  await target.execute(`
    CREATE TABLE events (note text, gone int, day date, id int, PRIMARY KEY (day, id)) PARTITION BY HASH (id);
    CREATE TABLE events_a PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE events_b PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 1) PARTITION BY RANGE (day);
    CREATE TABLE events_b1 PARTITION OF events_b DEFAULT; ALTER TABLE events DROP COLUMN gone`)
  for (const session of [source, target]) {
    await session.execute(`INSERT INTO events (id, day, note) SELECT g, '2024-01-01'::date + g % 366, 'n' || g FROM generate_series(1, 2000) g;
      INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2)`)
  }
  expect(await compare()).toMatchObject({ verdict: 'equal', structure: [] })
  await target.execute(`UPDATE events SET note = 'x' WHERE id = 7; DELETE FROM child`)
  const { tables } = await compare()
  expect(tables.map(({ table, differences: d }) => [table, d.changed, d.onlyInSource])).toEqual([
    ['public.child', 0, 1],
    ['public.events', 1, 0],
    ['public.parent', 0, 0],
  ])
})

test('generated columns, identities, large values and domains are compared, and no value leaves the server unasked', async () => {
  const { target, table } = await pairWith(`
    CREATE DOMAIN secret AS text;
    CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price numeric, double numeric GENERATED ALWAYS AS (price * 2) STORED,
                         letter text, name secret);
    INSERT INTO people (price, letter, name)
      SELECT g, (SELECT string_agg(md5((g * 1000 + n)::text), '') FROM generate_series(1, 300) n), 'Ada ' || g FROM generate_series(1, 50) g`)
  expect((await table()).verdict).toBe('equal')
  await target.execute(
    `UPDATE people SET price = '7.0' WHERE id = 7; UPDATE people SET letter = letter || ' ', name = 'Eve' WHERE id = 9`,
  )
  const result = await table()
  expect(result.sample).toEqual([
    { kind: 'changed', key: ['7'], count: 1, columns: [{ column: 'double' }, { column: 'price' }] },
    { kind: 'changed', key: ['9'], count: 1, columns: [{ column: 'letter' }, { column: 'name' }] },
  ])
  expect(JSON.stringify(result)).not.toMatch(/Ada|Eve/)
  const shown = await table({ showValues: true })
  expect(shown.sample[1]?.columns[1]).toEqual({ column: 'name', source: 'Ada 9', target: 'Eve' })
  expect(shown.sample[1]?.columns[0]?.source).toHaveLength(200)
})

test('keys that may tell of persons are told as a digest to find the row by', async () => {
  const { source, target, table } = await pairWith(
    `CREATE TABLE users (email text PRIMARY KEY, n int); INSERT INTO users VALUES ('ada@example.org', 1), ('eve@example.org', 2)`,
  )
  await target.execute(`UPDATE users SET n = 3 WHERE email = 'eve@example.org'`)
  const { sample } = await table()
  const [row] = await source.query(`SELECT email FROM users WHERE 'md5:' || md5(email) = $1`, [sample[0]?.key?.[0]])
  expect(row).toEqual({ email: 'eve@example.org' })
  expect((await table({ showValues: true })).sample[0]?.key).toEqual(['eve@example.org'])
})

test('what is on one side only is told, and the rest is compared all the same', async () => {
  const { source, target, compare } = await pairWith('CREATE TABLE a (id int PRIMARY KEY, v int); INSERT INTO a VALUES (1, 1)')
  await source.execute('CREATE TABLE only_here (); ALTER TABLE a ADD COLUMN more int; CREATE SEQUENCE s')
  await target.execute('CREATE TABLE "Only ""there""" (); ALTER TABLE a ALTER COLUMN v TYPE bigint')
  const { verdict, structure, tables, outside } = await compare()
  expect(verdict).toBe('different')
  expect(structure).toEqual([
    { kind: 'table-missing', side: 'source', table: 'public."Only ""there"""', column: null },
    { kind: 'column-missing', side: 'target', table: 'public.a', column: 'more' },
    { kind: 'table-missing', side: 'target', table: 'public.only_here', column: null },
  ])
  expect(tables).toMatchObject([{ table: 'public.a', verdict: 'equal', note: 'compared as text, since the types differ: v' }])
  expect(outside).toEqual(['sequences'])
  await expect(compare({ selection: { tables: ['nowhere'], exclude: [] } })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  expect(await compare({ selection: { tables: [], exclude: ['only_here', 'public."Only ""there"""', 'a'] } })).toMatchObject({
    verdict: 'inconclusive',
    tables: [],
  })
})

test('rows that the role may not see are never taken for rows that are not there', async () => {
  const { databases, compare } = await pairWith(`
    CREATE TABLE mine (id int PRIMARY KEY); CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1);
    CREATE TABLE hidden (id int PRIMARY KEY); INSERT INTO hidden VALUES (1)`)
  for (const database of databases) {
    const root = await database.connectAsSuperuser()
    await root.execute(`
      ALTER TABLE kept OWNER TO postgres; REVOKE ALL ON kept FROM master;
      ALTER TABLE hidden OWNER TO postgres; GRANT SELECT ON hidden TO master; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY`)
  }
  const { verdict, tables } = await compare()
  expect(verdict).toBe('inconclusive')
  expect(tables.map(({ table, verdict: of, note }) => [table, of, note])).toEqual([
    ['public.hidden', 'inconclusive', expect.stringContaining('may not read all of its rows')],
    ['public.mine', 'equal', null],
    ['public.kept', 'inconclusive', expect.stringContaining('grant SELECT')],
  ])
})

test('every table is read under the one snapshot of its side, whatever is written meanwhile', async () => {
  const { source, compare } = await pairWith(`${ORDERS}; CREATE TABLE z (id int PRIMARY KEY)`)
  let wrote: Promise<unknown> | null = null
  const { verdict } = await compare({
    onProgress: () => {
      wrote ??= source.execute('INSERT INTO z VALUES (1); DELETE FROM orders WHERE id > 100')
    },
  })
  await wrote
  expect(verdict).toBe('equal')
  expect((await compare()).verdict).toBe('different')
})

test('a key whose columns stand otherwise, or whose texts have another encoding, has no order in common', async () => {
  const { source, target, databases, compare } = await pairWith('CREATE TABLE words (w text COLLATE "C" PRIMARY KEY)')
  await source.execute('CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (1, 2)')
  await target.execute('CREATE TABLE pairs (a int, b int, PRIMARY KEY (b, a)); INSERT INTO pairs VALUES (2, 1)')
  await source.execute(`INSERT INTO words VALUES ('a'), ('ä'), ('z')`)
  const [, other] = databases
  await (await other.connectAsSuperuser()).execute(
    `CREATE DATABASE latin OWNER master ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`,
  )
  const latin = await connect({ ...other.options, database: 'latin' })
  try {
    await latin.execute(`CREATE TABLE words (w text COLLATE "C" PRIMARY KEY); INSERT INTO words VALUES ('a'), ('ö'), ('z')`)
    const words = await compare({
      target: () => connect({ ...other.options, database: 'latin' }),
      selection: { tables: ['words'], exclude: [] },
    })
    expect(words.tables[0]).toMatchObject({
      method: 'buckets',
      differences: { onlyInSource: 1, onlyInTarget: 1, changed: 0, exact: true },
    })
  } finally {
    await latin.close()
  }
  const { tables } = await compare({ selection: { tables: ['pairs'], exclude: [] } })
  expect(tables[0]).toMatchObject({
    method: 'buckets',
    differences: { onlyInSource: 1, onlyInTarget: 1, changed: 0, exact: true },
  })
})

test('a comparison that is stopped leaves no session behind', async () => {
  const { source, compare } = await pairWith(ORDERS)
  const stop = new AbortController()
  const stopped = compare({ signal: stop.signal, onProgress: () => stop.abort(new Error('stopped by the test')) })
  await expect(stopped).rejects.toThrow('stopped by the test')
  const left = `SELECT FROM pg_stat_activity WHERE application_name = 'comparing' AND pid <> pg_backend_pid()`
  for (let tries = 0; (await source.query(left)).length > 0; tries += 1) {
    if (tries > 2_000) throw new Error('sessions are left')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
})
