import type { Session } from '../../postgres/connect/session'
import { describeSchema } from '../../postgres/inspect/fingerprint'
import { tableWriteCounters } from '../../postgres/observe/table-writes'
import { countRows, runChecks, singleSelect } from '../../postgres/verify/checks'
import { failureOf } from './support/apply'
import { startTestServer, type TestServer } from './support/server'

let server: TestServer
let session: Session
beforeAll(async () => {
  server = await startTestServer(15)
  session = await (await server.database()).connect()
  await session.execute(`CREATE TABLE orders (id int, total int, secret text);
    INSERT INTO orders SELECT n, n, 'value-' || n FROM generate_series(1, 1500) n`)
})
afterAll(() => server?.stop())

const check = (id: string, sql: string) => ({ id, title: id, sql })

test('row counts, invariants and smoke queries say what was measured and what is allowed', async () => {
  const results = await runChecks(session, {
    rowCounts: [
      { table: 'orders', atLeast: 1500 },
      { table: 'public.orders', atLeast: 1501 },
    ],
    invariants: [
      check('positive', 'SELECT * FROM orders WHERE total <= 0;'),
      check('small', 'SELECT * FROM orders WHERE total > 1490 -- all\n'),
    ],
    smoke: [
      check('some', 'SELECT id FROM orders'),
      check('none', 'SELECT id FROM orders WHERE false'),
      check('division', 'SELECT 1 / (id - 3) FROM orders'),
    ],
  })

  expect(results.map(({ id, kind, ok, measured }) => [id, kind, ok, measured])).toEqual([
    ['rows-orders', 'row-count', true, 1500],
    ['rows-public.orders', 'row-count', false, 1500],
    ['positive', 'invariant', true, 0],
    ['small', 'invariant', false, 10],
    ['some', 'smoke', true, 1000],
    ['none', 'smoke', false, 0],
    ['division', 'smoke', false, null],
  ])
  expect(results[1]?.message).toBe('Rows of public.orders: found 1,500 rows, allowed at least 1,501 rows.')
  expect(results[6]?.message).toBe('division: the query failed: division by zero (SQLSTATE 22012).')
  expect(JSON.stringify(results)).not.toContain('value-')
})

test('a check cannot write, cannot take forever, and does not end the session', async () => {
  await session.execute('CREATE SEQUENCE s')
  const results = await runChecks(
    session,
    {
      smoke: [
        check('writes', `SELECT nextval('s')`),
        check('slow', 'SELECT pg_sleep(60)'),
        check('ends', 'SELECT pg_cancel_backend(pg_backend_pid())'),
      ],
    },
    { statementTimeoutMs: 1_000 },
  )
  expect(results.map(({ ok }) => ok)).toEqual([false, false, false])
  expect(results[0]?.message).toContain('read-only transaction')
  expect(await countRows(session, ['orders', 'public.orders'])).toEqual({ orders: 1500, 'public.orders': 1500 })
})

test('a count over its time limit names its table, is not tried again, and leaves the session usable', async () => {
  await session.execute('CREATE VIEW endless AS SELECT 1 AS one FROM pg_sleep(60)')

  const failure = await failureOf(countRows(session, ['orders', 'endless'], { countTimeoutMs: 1_000 }), 'DATABASE_REFUSED')

  expect(failure.kind).toBe('refused')
  expect(failure.facts).toMatchObject({ table: 'endless', countTimeoutMs: 1_000 })
  expect(failure.message).toContain('Counting the rows of endless')
  expect(await countRows(session, ['orders'])).toEqual({ orders: 1500 })
})

test('an abort ends a count, a schema reading and the write counters with its reason', async () => {
  await session.execute('CREATE OR REPLACE VIEW endless AS SELECT 1 AS one FROM pg_sleep(60)')
  const abort = new AbortController()
  const counting = countRows(session, ['endless'], { signal: abort.signal })
  setTimeout(() => abort.abort(new Error('stop')), 50)

  await expect(counting).rejects.toThrow('stop')
  await expect(describeSchema(session, { signal: abort.signal })).rejects.toThrow('stop')
  await expect(tableWriteCounters(session, { signal: abort.signal })).rejects.toThrow('stop')
  expect(await countRows(session, ['orders'])).toEqual({ orders: 1500 })
})

test('a value in an error stays in the database', async () => {
  const [result] = await runChecks(session, { smoke: [check('cast', 'SELECT secret::int FROM orders')] })
  expect(result?.message).toBe('cast: the query failed: invalid input syntax for type integer: "…" (SQLSTATE 22P02).')
})

test.each(['SELECT 1; DROP TABLE orders', 'DELETE FROM orders', 'COMMIT', '', 'SELECT 1 INTO x', 'SELEC 1', "SELECT '"])(
  '%j is not one SELECT and is refused',
  async (sql) => {
    const failure = await failureOf(runChecks(session, { invariants: [check('bad', sql)] }), 'OPTION_INVALID')
    expect(failure.message).toContain('invariant bad')
  },
)

test('WITH, VALUES and trailing comments are selects', () => {
  expect(singleSelect('WITH x AS (SELECT 1) SELECT * FROM x; -- done', 'check')).toBe('WITH x AS (SELECT 1) SELECT * FROM x')
  expect(singleSelect('VALUES (1)', 'check')).toBe('VALUES (1)')
})
