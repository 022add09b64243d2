import { DEFAULT_HISTORY, readHistory, refuseForeignSchema } from '../../postgres/migrate/history'
import { info, validate } from '../../postgres/migrate/info'
import { apply, failureOf, resolve } from './support/apply'
import { startTestServer, type TestServer } from './support/server'

const SHOP = {
  'V1__initial_schema.sql': `
    CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL REFERENCES customers, total int NOT NULL, note text);
    INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 100) n;
    INSERT INTO orders SELECT n, 1 + n % 100, n FROM generate_series(1, 2000) n;`,
  'V002.0__orders_by_customer.sql': 'CREATE INDEX CONCURRENTLY orders_customer ON orders (customer);',
  'V3__copy.sql':
    "COPY customers (id, name) FROM stdin;\n1001\tAda; semi\\tcolon\n1002\t\\\\N is no null\n\\.\n\nUPDATE orders SET note = 'é' WHERE id < 10;",
  'R__totals.sql': 'CREATE OR REPLACE VIEW totals AS SELECT customer, sum(total) AS total FROM orders GROUP BY customer;',
}

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(major)
  })
  afterAll(() => server.stop())

  test('applies what is pending once, versions first, and records it as Flyway does', async () => {
    const database = await server.database()

    const first = await apply(database, SHOP)
    const second = await apply(database, SHOP)

    expect(first.applied.map(({ script }) => script)).toEqual([
      'V1__initial_schema.sql',
      'V002.0__orders_by_customer.sql',
      'V3__copy.sql',
      'R__totals.sql',
    ])
    expect(first.version).toBe('3')
    expect(second.applied).toEqual([])
    const session = await database.connect()
    const { rows } = await readHistory(session)
    expect(rows).toEqual([
      row(1, '1', 'initial schema', 'V1__initial_schema.sql'),
      row(2, '002.0', 'orders by customer', 'V002.0__orders_by_customer.sql'),
      row(3, '3', 'copy', 'V3__copy.sql'),
      row(4, null, 'totals', 'R__totals.sql'),
    ])
    expect(await session.query('SELECT name FROM customers WHERE id > 1000 ORDER BY id')).toEqual([
      { name: 'Ada; semi\tcolon' },
      { name: '\\N is no null' },
    ])
    expect(await session.query('SELECT count(*) AS left FROM capstan.progress')).toEqual([{ left: 0 }])
  })

  test('a schema that holds objects and no history wants a baseline, and stays as it is', async () => {
    const database = await server.database()
    const session = await database.connect()
    await session.execute('CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$')

    await failureOf(apply(database, SHOP), 'HISTORY_BASELINE_NEEDED')
    await failureOf(refuseForeignSchema(session, DEFAULT_HISTORY), 'HISTORY_BASELINE_NEEDED')

    expect(await readHistory(session)).toEqual({ exists: false, rows: [] })
  })

  test('extensions do not make a schema look used, and another history table has a lock and rows of its own', async () => {
    const database = await server.database()
    const session = await database.connect()
    await session.execute('CREATE EXTENSION pg_trgm; CREATE SCHEMA app')

    await apply(database, { 'V1__a.sql': 'SELECT 1' })
    await apply(database, { 'V1__b.sql': 'SELECT 2' }, { history: { schema: 'app', table: 'changes' } })

    expect((await readHistory(session, { schema: 'app', table: 'changes' })).rows).toMatchObject([{ script: 'V1__b.sql' }])
    await failureOf(apply(database, {}, { history: { schema: 'missing', table: 'changes' } }), 'OPTION_INVALID')
  })

  test('what a script sets for its session does not reach the next one', async () => {
    const database = await server.database()
    await apply(database, {
      'V1__a.sql': "SELECT pg_catalog.set_config('search_path', '', false); SET ROLE pg_monitor; SET lock_timeout = '1min';",
      'V2__b.sql': 'CREATE TABLE found_by_path (path text); INSERT INTO found_by_path SELECT current_user;',
    })

    const session = await database.connect()
    expect(await session.query('SELECT path FROM public.found_by_path')).toEqual([{ path: 'master' }])
    expect((await readHistory(session)).rows.map(({ installedBy }) => installedBy)).toEqual(['master', 'master'])
  })

  test('info and validate read and change nothing', async () => {
    const database = await server.database()
    const session = await database.connect()
    expect(await info(session, resolve(SHOP))).toMatchObject({
      current: null,
      migrations: Array(4).fill({ state: 'Pending', installedOn: null }),
    })
    expect((await readHistory(session)).exists).toBe(false)

    await apply(database, SHOP)
    const changed = { ...SHOP, 'R__totals.sql': `${SHOP['R__totals.sql']} -- more`, 'V1__initial_schema.sql': 'SELECT 1' }
    expect((await info(session, resolve(changed))).migrations.map(({ script, state }) => `${script} ${state}`)).toEqual([
      'V1__initial_schema.sql Success',
      'V002.0__orders_by_customer.sql Success',
      'V3__copy.sql Success',
      'R__totals.sql Outdated',
      'R__totals.sql Pending',
    ])
    expect(await validate(session, resolve(changed))).toMatchObject({
      valid: false,
      findings: [{ code: 'CHECKSUM_MISMATCH', script: 'V1__initial_schema.sql' }],
    })
  })

  test('a plan that the caller refuses is not applied', async () => {
    const database = await server.database()
    const refusal = new Error('not the approved plan')

    await expect(
      apply(database, SHOP, {
        onPlan: ({ pending }) => {
          expect(pending).toHaveLength(4)
          throw refusal
        },
      }),
    ).rejects.toBe(refusal)

    expect((await readHistory(await database.connect())).rows).toEqual([])
  })
})

function row(installedRank: number, version: string | null, description: string, script: string) {
  return {
    installedRank,
    version,
    description,
    type: 'SQL',
    script,
    checksum: resolve(SHOP).find((migration) => migration.script === script)?.checksum,
    installedBy: 'master',
    installedOn: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/),
    executionTimeMs: expect.any(Number),
    success: true,
  }
}
