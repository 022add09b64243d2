import { readHistory } from '../../postgres/migrate/history'
import { info, validate } from '../../postgres/migrate/info'
import { apply, failureOf, resolve, SHORT_LIMITS } from './support/apply'
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
void info
void validate
void failureOf
void SHORT_LIMITS
