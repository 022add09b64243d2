import { blocksWrites, LOCK_MODES, lockMode } from '../../postgres/observe/lock-modes'
import { createStatementRecorder, readStatementLog } from '../../postgres/observe/statement-recorder'
import { tableWriteCounters } from '../../postgres/observe/table-writes'
import { apply, failureOf, type Scripts } from './support/apply'
import { startTestServer, type TestServer } from './support/server'

const BASE: Scripts = {
  'V1__orders.sql': `CREATE TABLE orders (id bigint PRIMARY KEY, total int NOT NULL, status text);
    CREATE TABLE customers (id bigint PRIMARY KEY);
    INSERT INTO orders SELECT n, n, 'new' FROM generate_series(1, 20000) n;`,
}

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(major)
  })
  afterAll(() => server?.stop())

  test('a rehearsal records locks, rewrites and WAL of each statement', async () => {
    const database = await server.database()
    await apply(database, BASE)
    await apply(
      database,
      {
        ...BASE,
        'V2__mixed.sql': `ALTER TABLE orders ALTER total TYPE numeric;
CREATE TABLE fresh (id bigint PRIMARY KEY, customer bigint REFERENCES customers);
ALTER TABLE fresh ALTER id TYPE numeric;
UPDATE customers SET id = 1 WHERE id = 77;
SELECT pg_sleep(0.05);`,
      },
      { observer: createStatementRecorder() },
    )

    const session = await database.connect()
    const records = await readStatementLog(session)

    expect(records.map(({ index, line, kind }) => [index, line, kind])).toEqual([
      [0, 1, 'ALTER TABLE'],
      [1, 2, 'CREATE TABLE'],
      [2, 3, 'ALTER TABLE'],
      [3, 4, 'UPDATE'],
      [4, 5, 'SELECT'],
    ])
    const [rewrite, create, alterFresh, update, pause] = records
    expect(rewrite?.rewrites).toEqual([{ relation: 'public.orders', rows: 20_000 }])
    expect(rewrite?.locks).toEqual([
      { relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', heldMs: expect.any(Number), sampled: false },
    ])
    expect(rewrite?.walBytes).toBeGreaterThan(100_000)
    // Held until the commit, so the pause of the last statement counts too.
    expect(rewrite?.locks[0]?.heldMs).toBeGreaterThan(50)
    expect(create?.locks).toMatchObject([{ relation: 'public.customers', mode: 'SHARE ROW EXCLUSIVE' }])
    expect(alterFresh).toMatchObject({ locks: [], rewrites: [] })
    expect(update).toMatchObject({ locks: [], sql: 'UPDATE customers SET id = $1 WHERE id = $2' })
    expect(pause?.locks).toEqual([])
  })

  test('outside transactions locks are sampled and say so', async () => {
    const database = await server.database()
    await apply(database, BASE)
    await apply(
      database,
      {
        ...BASE,
        'V2__outside.sql': 'CREATE INDEX CONCURRENTLY i ON orders (md5(md5(md5(status || total))));\nVACUUM FULL orders;',
      },
      { observer: createStatementRecorder() },
    )

    const records = await readStatementLog(await database.connect())

    expect(records).toMatchObject([
      { kind: 'CREATE INDEX CONCURRENTLY', rewrites: [] },
      { kind: 'VACUUM', rewrites: [{ relation: 'public.orders', rows: 20_000 }] },
    ])
    const locks = records.flatMap((record) => record.locks)
    expect(locks.every(({ sampled }) => sampled)).toBe(true)
    expect(records[0]?.locks.filter(({ mode }) => blocksWrites(mode))).toEqual([])
  })

  test('a resumed rehearsal knows what was measured before, and which tables are its own', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const file = (last: string) => ({
      ...BASE,
      'V2__fresh.sql': 'CREATE TABLE fresh (id int);\nALTER TABLE orders ADD note text;',
      'V3__more.sql': `ALTER TABLE fresh ALTER id TYPE bigint;\nVACUUM fresh;\n${last};`,
    })
    await failureOf(apply(database, file('SELECT broken'), { observer: createStatementRecorder() }), 'MIGRATION_FAILED')
    await apply(database, file('ALTER TABLE fresh ADD note text'), { observer: createStatementRecorder() })

    const records = await readStatementLog(await database.connect())

    expect(records.map(({ script, index }) => [script, index])).toEqual([
      ['V2__fresh.sql', 0],
      ['V2__fresh.sql', 1],
      ['V3__more.sql', 0],
      ['V3__more.sql', 1],
      ['V3__more.sql', 2],
    ])
    expect(records.flatMap(({ locks }) => locks.map(({ relation }) => relation))).toEqual(['public.orders'])
    expect(records.flatMap(({ rewrites }) => rewrites)).toEqual([])
  })

  test('write counters tell how busy a table is', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const session = await database.connect()
    const before = await tableWriteCounters(session)
    await session.execute('UPDATE orders SET total = 1 WHERE id <= 10')
    if (major >= 15) await session.query('SELECT pg_stat_force_next_flush()')

    const after = await tableWriteCounters(session)

    expect((after.tables['public.orders']?.writes ?? 0) - (before.tables['public.orders']?.writes ?? 0)).toBe(10)
    expect(Date.parse(after.at)).toBeGreaterThanOrEqual(Date.parse(before.at))
  })
})

test('each mode of pg_locks has a name, and writes wait from SHARE upwards', () => {
  const modes =
    'AccessShareLock RowShareLock RowExclusiveLock ShareUpdateExclusiveLock ShareLock ShareRowExclusiveLock ExclusiveLock AccessExclusiveLock'
  expect(modes.split(' ').map(lockMode)).toEqual(LOCK_MODES)
  expect(lockMode('SIReadLock')).toBeNull()
  expect(LOCK_MODES.filter(blocksWrites)).toEqual(['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'])
})
