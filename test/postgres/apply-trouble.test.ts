import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../postgres/connect/session'
import { healedIndexes } from '../../postgres/migrate/healed-indexes'
import { readHistory } from '../../postgres/migrate/history'
import { planMigration } from '../../postgres/migrate/plan'
import { apply, failureOf, resolve, type Scripts, SHORT_LIMITS } from './support/apply'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

const BASE: Scripts = {
  'V1__orders.sql':
    'CREATE TABLE orders (id bigint PRIMARY KEY, total int NOT NULL);\nINSERT INTO orders SELECT n, n FROM generate_series(1, 5000) n;',
}
const BUILD: Scripts = {
  ...BASE,
  'V2__index.sql': [
    "SET lock_timeout = '20s';",
    'ALTER TABLE orders ADD status text;',
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON orders (total) WHERE total > 0;',
    "UPDATE orders SET status = 'new' WHERE id = 1;",
  ].join('\n'),
}

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(major)
  })
  afterAll(() => server?.stop())

  test('a failing statement undoes its whole file and names file, line and the server message', async () => {
    const database = await server.database()
    const scripts = { ...BASE, 'V2__broken.sql': '-- first\nALTER TABLE orders ADD a int;\n\nSELECT\n  nothing\nFROM orders;' }

    const failure = await failureOf(apply(database, scripts), 'MIGRATION_FAILED')

    expect(failure.message).toBe('V2__broken.sql:5: column "nothing" does not exist (SQLSTATE 42703).')
    expect(failure.facts).toMatchObject({ script: 'V2__broken.sql', line: 5, sqlState: '42703' })
    const session = await database.connect()
    expect(await columnsOfOrders(session)).toEqual(['id', 'total'])
    expect((await readHistory(session)).rows.map(({ version }) => version)).toEqual(['1'])
  })

  test('a file whose transaction cannot begin leaves the one before it applied', async () => {
    const database = await server.database()
    const scripts = {
      'V1__away.sql': 'ALTER TABLE capstan.fence RENAME TO away',
      'V2__never.sql': 'CREATE TABLE never ()',
      'V3__never.sql': 'CREATE TABLE neither ()',
    }

    const failure = await failureOf(apply(database, scripts), 'MIGRATION_FAILED')

    expect(failure.message).toContain('relation "capstan.fence" does not exist')
    expect(failure.facts).toMatchObject({ script: 'V2__never.sql' })
    const session = await database.connect()
    expect((await readHistory(session)).rows.map(({ version }) => version)).toEqual(['1'])
    expect(await session.query(`SELECT to_regclass('never') AS never`)).toEqual([{ never: null }])
  })

  test('a changed file is drift, and nothing runs', async () => {
    const database = await server.database()
    await apply(database, BASE)

    const changed = { 'V1__orders.sql': `${BASE['V1__orders.sql']} `, 'V2__more.sql': 'CREATE TABLE more ();' }
    const failure = await failureOf(apply(database, changed), 'MIGRATION_CHECKSUM_CHANGED')

    expect(failure.message).toContain('V1__orders.sql was changed after it was applied')
    const session = await database.connect()
    expect(await session.query(`SELECT to_regclass('more') AS more`)).toEqual([{ more: null }])
  })

  test('a lock that cannot be had is tried a bounded number of times and the failure names who holds it', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const holder = await database.connect('reporting job')
    await holder.execute('BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE')

    const events: string[] = []
    const failure = await failureOf(
      apply(
        database,
        { ...BASE, 'V2__add.sql': '\nALTER TABLE orders ADD a int;' },
        { onEvent: ({ type }) => events.push(type) },
      ),
      'MIGRATION_LOCK_TIMEOUT',
    )

    expect(failure.facts).toMatchObject({
      script: 'V2__add.sql',
      line: 2,
      relation: 'public.orders',
      attempts: 3,
      blockerPid: holder.backendPid,
      blockerApplication: 'reporting job',
      blockerState: 'idle in transaction',
    })
    expect(events.filter((type) => type === 'lock-retry')).toHaveLength(2)
    await holder.execute('ROLLBACK')
  })

  test('a lock that becomes free is had by a retry', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const holder = await database.connect()
    await holder.execute('BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE')

    const result = await apply(
      database,
      { ...BASE, 'V2__add.sql': 'ALTER TABLE orders ADD a int;' },
      { onEvent: ({ type }) => (type === 'lock-retry' ? void holder.execute('ROLLBACK') : undefined) },
    )

    expect(result.version).toBe('2')
  })

  test('a file that failed half-way outside a transaction continues at its failed statement once that is mended', async () => {
    const database = await server.database()
    const file = (last: string) => ({
      ...BASE,
      'V2__steps.sql': `ALTER TABLE orders ADD a int;\nCREATE INDEX CONCURRENTLY orders_a ON orders (a);\n${last}`,
    })
    const failure = await failureOf(apply(database, file('ALTER TABLE missing ADD b int;')), 'MIGRATION_FAILED')
    expect(failure.facts).toMatchObject({ line: 3 })

    const mended = await apply(database, file('ALTER TABLE orders ADD b int;'))

    expect(mended.applied).toMatchObject([{ script: 'V2__steps.sql', resumed: true }])
    expect(mended.events.filter(({ type }) => type === 'statement-skipped')).toHaveLength(2)
    const session = await database.connect()
    expect(await columnsOfOrders(session)).toEqual(['id', 'total', 'a', 'b'])
  })

  test('what has already run outside a transaction may not be edited', async () => {
    const database = await server.database()
    const file = (first: string) => ({ ...BASE, 'V2__steps.sql': `${first}\nVACUUM orders;\nSELECT broken;` })
    await failureOf(apply(database, file('ALTER TABLE orders ADD a int;')), 'MIGRATION_FAILED')

    const failure = await failureOf(apply(database, file('ALTER TABLE orders ADD a bigint;')), 'MIGRATION_HISTORY_INVALID')

    expect(failure.message).toContain('V2__steps.sql was interrupted after its statement 1')
  })

  test('a concurrent index whose backend is killed is rebuilt when the run is repeated', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const blocker = await holdOldSnapshot(database)
    const interrupted = failureOf(apply(database, BUILD), 'CONNECTION_LOST')
    const pid = await builderOf(database)
    await blocker.query('SELECT pg_terminate_backend($1)', [pid])
    await interrupted
    await blocker.execute('ROLLBACK')
    expect(await blocker.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_total'::regclass`)).toEqual([
      { indisvalid: false },
    ])

    const resumed = await apply(database, BUILD)

    expect(resumed.events.filter(({ type }) => type === 'index-healed')).toEqual([
      { type: 'index-healed', script: 'V2__index.sql', index: 'public.orders_total' },
    ])
    expect(resumed.applied).toMatchObject([{ script: 'V2__index.sql', resumed: true }])
    expect(await healedIndexes(blocker, ['V2__index.sql'])).toEqual(['public.orders_total'])
    expect(await healedIndexes(blocker, ['V2__index.sql'], { epoch: 1 })).toEqual([])
    expect(await healedIndexes(blocker, ['V1__orders.sql'])).toEqual([])
    expect(await blocker.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_total'::regclass`)).toEqual([
      { indisvalid: true },
    ])
    expect(await blocker.query('SELECT status FROM orders WHERE id = 1')).toEqual([{ status: 'new' }])
  })

  test('an index that was finished although its run was lost is adopted', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const session = await database.connect()
    await failureOf(
      apply(database, { ...BASE, 'V2__index.sql': 'CREATE INDEX CONCURRENTLY orders_total ON orders (total);\nSELECT broken;' }),
    )
    // As if the run had died between the build and its record.
    await session.execute(
      `UPDATE capstan.progress SET state = 'intended', facts = '{"indexesBefore": []}' WHERE statement_index = 0`,
    )

    const result = await apply(database, {
      ...BASE,
      'V2__index.sql': 'CREATE INDEX CONCURRENTLY orders_total ON orders (total);\nSELECT 1;',
    })

    expect(result.events.map(({ type }) => type)).toContain('index-adopted')
    expect(result.version).toBe('2')
  })

  test('IF NOT EXISTS does not take an invalid index for the real one', async () => {
    const database = await server.database()
    await apply(database, { 'V1__t.sql': 'CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);' })
    const session = await database.connect()
    await expect(session.execute('CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)')).rejects.toMatchObject({ sqlState: '23505' })
    await session.execute('DELETE FROM t')

    const result = await apply(database, {
      'V1__t.sql': 'CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);',
      'V2__unique.sql': 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_a ON t (a);',
    })

    expect(result.events.map(({ type }) => type)).toContain('index-healed')
    expect(await session.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass`)).toEqual([
      { indisvalid: true },
    ])
  })

  test('a build that fails for good leaves no invalid index behind', async () => {
    const database = await server.database()
    const scripts = {
      'V1__t.sql': 'CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);',
      'V2__unique.sql': 'CREATE UNIQUE INDEX CONCURRENTLY ON t (a);',
    }

    const failure = await failureOf(apply(database, scripts), 'MIGRATION_FAILED')

    expect(failure.message).toBe('V2__unique.sql:1: could not create unique index "t_a_idx" (SQLSTATE 23505).')
    const session = await database.connect()
    expect(await session.query(`SELECT FROM pg_index WHERE indrelid = 't'::regclass`)).toEqual([])
  })

  test('a statement over its time limit fails its migration', async () => {
    const database = await server.database()
    const limits = { ...SHORT_LIMITS, statementTimeoutMs: 500 }

    const failure = await failureOf(apply(database, { 'V1__slow.sql': 'SELECT pg_sleep(60);' }, { limits }), 'MIGRATION_FAILED')

    expect(failure.message).toBe('V1__slow.sql:1: the statement took longer than the 500 ms it is allowed.')
  })

  test.each([
    ['DROP INDEX CONCURRENTLY i;', 'DROP INDEX i', []],
    [
      'REINDEX INDEX CONCURRENTLY i;',
      "CREATE INDEX i_ccnew ON parent_1 (b); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i_ccnew'::regclass",
      ['i'],
    ],
    ['ALTER TABLE parent DETACH PARTITION parent_1 CONCURRENTLY;', 'ALTER TABLE parent DETACH PARTITION parent_1', ['i']],
    [
      'ALTER TABLE parent DETACH PARTITION parent_1 CONCURRENTLY;',
      "UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'parent_1'::regclass",
      ['i'],
    ],
  ])('%s whose end is unknown after %s is settled', async (statement, remains, indexes) => {
    const database = await server.database()
    const base = {
      'V1__parent.sql': `CREATE TABLE parent (a int, b int) PARTITION BY LIST (a); CREATE TABLE parent_1 PARTITION OF parent FOR VALUES IN (1);
        CREATE INDEX i ON parent_1 (b);`,
    }
    await apply(database, base)
    await failureOf(
      apply(database, { ...base, 'V2__step.sql': `VACUUM parent_1;\nSELECT broken;\n${statement}` }),
      'MIGRATION_FAILED',
    )
    const superuser = await database.connectAsSuperuser()
    const scripts = { ...base, 'V2__step.sql': `VACUUM parent_1;\nSELECT 1;\n${statement}` }
    const digest = (await planMigration(resolve(scripts)[1]!)).statements[2]?.digest
    // As if the run had died while the statement ran.
    await superuser.execute('SET allow_system_table_mods = on')
    for (const sql of remains.split(';')) await superuser.execute(sql)
    await superuser.query(
      `INSERT INTO capstan.progress SELECT history, script, 2, $1, 'intended', '{}' FROM capstan.progress WHERE statement_index = 0`,
      [digest],
    )

    const result = await apply(database, scripts)

    expect(result.applied).toMatchObject([{ script: 'V2__step.sql', resumed: true }])
    const session = await database.connect()
    const rows = await session.query(
      `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'parent_1'::regclass AND indisvalid`,
    )
    expect(rows.map(({ name }) => name)).toEqual(indexes)
    expect(await session.query('SELECT inhrelid FROM pg_inherits WHERE inhdetachpending')).toEqual([])
  })

  test('an abort stops the running statement, leaves nothing half-done and rejects with its reason', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const abort = new AbortController()
    const reason = new Error('a person said stop')
    const running = apply(
      database,
      { ...BASE, 'V2__slow.sql': 'ALTER TABLE orders ADD a int;\nSELECT pg_sleep(60);' },
      {
        signal: abort.signal,
        onEvent: (event) =>
          event.type === 'statement-started' && event.index === 1 ? void sleep(50).then(() => abort.abort(reason)) : undefined,
      },
    )

    await expect(running).rejects.toBe(reason)

    const session = await database.connect()
    expect(await columnsOfOrders(session)).toEqual(['id', 'total'])
  })

  test('an abort during a concurrent build removes the unfinished index', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const blocker = await holdOldSnapshot(database)
    const abort = new AbortController()
    const running = apply(database, BUILD, { signal: abort.signal })
    await builderOf(database)
    abort.abort(new Error('stop'))

    await expect(running).rejects.toThrow('stop')

    await blocker.execute('ROLLBACK')
    expect(await blocker.query(`SELECT to_regclass('orders_total') AS index`)).toEqual([{ index: null }])
  })
})

/** A transaction whose snapshot a concurrent build has to wait for. */
async function holdOldSnapshot(database: TestDatabase): Promise<Session> {
  const session = await database.connect('old snapshot')
  await session.execute('BEGIN ISOLATION LEVEL REPEATABLE READ')
  await session.query('SELECT 1')
  return session
}

async function builderOf(database: TestDatabase): Promise<number> {
  // Not the session that holds the snapshot: inside a transaction the statistics views stand still.
  const session = await database.connectAsSuperuser()
  for (let look = 0; look < 10_000; look++) {
    const [row] = await session.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%'`,
    )
    if (row !== undefined) return row.pid
    await sleep(10)
  }
  throw new Error('no index is being built')
}

async function columnsOfOrders(session: Session): Promise<unknown[]> {
  const rows = await session.query(
    `SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum`,
  )
  return rows.map(({ attname }) => attname)
}
