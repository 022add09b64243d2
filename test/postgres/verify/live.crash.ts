/** Compared while applications write: a real subscription from PostgreSQL 15 to 17, and writers that never stop, on machines of any speed: one
 *  writes 500 times a second, which a target keeps up with, and one as fast as it can to a target that is slower. */
import { connect, type Session } from '../../../postgres/connect/session'
import { type CompareOptions, compareDatabases } from '../../../postgres/verify/compare'
import { Found } from '../../../postgres/verify/found'
import { KeyReader } from '../../../postgres/verify/key-reader'
import { pairTables } from '../../../postgres/verify/pairing'
import { compareRanges } from '../../../postgres/verify/ranges'
import { followingOf } from '../../../postgres/verify/replication'
import { Side } from '../../../postgres/verify/side'
import { until } from '../../support/eventually'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'

let servers: TestServer[]
let source: TestDatabase
let target: TestDatabase
let writer: Session
let there: Session
const TABLES = `
  CREATE TABLE accounts (id int PRIMARY KEY, balance numeric NOT NULL, note text);
  CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int, at timestamptz DEFAULT now());
  CREATE TABLE bag (v int); ALTER TABLE bag REPLICA IDENTITY FULL`

beforeAll(async () => {
  servers = await Promise.all([startTestServer(15), startTestServer(17)])
  const [one, other] = await Promise.all(servers.map((server) => server.database()))
  if (one === undefined || other === undefined) throw new Error('two databases were made')
  source = one
  target = other
  const publisher = await source.connectAsSuperuser()
  const subscriber = await target.connectAsSuperuser()
  writer = await source.connect()
  there = subscriber
  await writer.execute(`${TABLES}; INSERT INTO accounts SELECT g, 100, 'n' || g FROM generate_series(1, 5010) g`)
  await (await target.connect()).execute(TABLES)
  await publisher.execute('CREATE PUBLICATION everything FOR ALL TABLES')
  const { host, port, database, password } = source.options
  await subscriber.execute(
    `CREATE SUBSCRIPTION copies CONNECTION 'host=${host} port=${port} dbname=${database} user=postgres password=${password}' PUBLICATION everything`,
  )
  await until(
    'the first copies',
    async () => (await subscriber.query(`SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'`)).length === 0,
  )
})
afterAll(async () => {
  await there?.execute('DROP SUBSCRIPTION IF EXISTS copies').catch(() => undefined)
  await Promise.all((servers ?? []).map((server) => server.stop()))
})

const compare = (options: Partial<CompareOptions> = {}) =>
  compareDatabases({
    source: () => connect(source.options),
    target: () => connect(target.options),
    mode: 'live',
    jobs: 2,
    selection: { tables: [], exclude: ['bag'] },
    ...options,
  })

/** Transfers money and writes it down, so many times a second, until `work` has ended. Resolves to the transactions that it committed, too. */
async function underWrites<T>(perSecond: number, work: () => Promise<T>): Promise<{ result: T; writes: number }> {
  let writes = 0
  let over = false
  const began = performance.now()
  const writing = (async () => {
    for (; !over; writes += 1) {
      const aheadMs = (1000 * writes) / perSecond - (performance.now() - began)
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs))
      const [a, b] = [(writes * 7) % 5000, (writes * 13) % 5000].map((n) => n + 1)
      await writer.execute(
        `BEGIN; UPDATE accounts SET balance = balance - 1 WHERE id = ${a}; UPDATE accounts SET balance = balance + 1 WHERE id = ${b};
         INSERT INTO journal (account) VALUES (${a}); COMMIT`,
      )
    }
  })()
  try {
    return { result: await work(), writes }
  } finally {
    over = true
    await writing
  }
}

test('a target that follows is equal while the source is written to all the time', async () => {
  const { result, writes } = await underWrites(500, () => compare())
  expect(result).toMatchObject({ verdict: 'equal', mode: 'live' })
  expect(result.tables.map(({ table, method }) => [table, method])).toEqual([
    ['public.accounts', 'ranges'],
    ['public.journal', 'ranges'],
  ])
  expect(writes).toBeGreaterThan(10)
})

test('what there is no time for is left for another run; where it is over amid a table, what is known of it stays known', async () => {
  let asked = 0
  const some = await compare({ enough: () => asked++ > 0 })
  expect(some).toMatchObject({ verdict: 'inconclusive', notReached: ['public.journal'] })
  expect(some.tables.map(({ table, verdict }) => [table, verdict])).toEqual([['public.accounts', 'equal']])
  const over = AbortSignal.abort()
  expect(await compare({ stop: over })).toMatchObject({ tables: [], notReached: ['public.accounts', 'public.journal'] })
  const stop = new AbortController()
  const amid = await compare({ stop: stop.signal, onProgress: ({ rows }) => rows > 0 && stop.abort() })
  expect(amid).toMatchObject({ verdict: 'inconclusive', tables: [], notReached: ['public.accounts', 'public.journal'] })
})

test('a table that is still copied for the first time is not compared', async () => {
  await writer.execute(
    'CREATE TABLE copied (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF copied DEFAULT',
  )
  await writer.execute('INSERT INTO copied SELECT generate_series(1, 10)')
  await (await target.connect()).execute(
    // Which the copy stumbles over again and again.
    'CREATE TABLE copied (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF copied DEFAULT; INSERT INTO copied VALUES (1)',
  )
  await there.execute('ALTER SUBSCRIPTION copies REFRESH PUBLICATION')
  const { verdict, tables } = await compare()
  expect(verdict).toBe('inconclusive')
  expect(tables.map(({ table, verdict: of, note }) => [table, of, note])).toEqual([
    ['public.accounts', 'equal', null],
    ['public.copied', 'inconclusive', expect.stringContaining('still copies it for the first time')],
    ['public.journal', 'equal', null],
  ])
  await there.execute('DELETE FROM copied')
  await until(
    'the first copy',
    async () => (await there.query(`SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'`)).length === 0,
  )
  expect((await compare()).verdict).toBe('equal')
  await there.execute('DROP TABLE copied')
  await writer.execute('DROP TABLE copied')
})

test('a target that applies slower than its source writes is waited for a bounded time, and nothing that is late differs', async () => {
  await there.execute(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NULL; END';
    CREATE TRIGGER dawdle AFTER UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION dawdle(); ALTER TABLE accounts ENABLE REPLICA TRIGGER dawdle`)
  const { result, writes } = await underWrites(Number.POSITIVE_INFINITY, () => compare({ waitMaxMs: 3_000 }))
  await there.execute('DROP TRIGGER dawdle ON accounts')
  for (const { verdict, differences: d, unsettled, note } of result.tables) {
    expect(d).toMatchObject({ onlyInSource: 0, onlyInTarget: 0, changed: 0 })
    expect(verdict === 'equal' || unsettled > 0 || /bytes of the source|never stood still/.test(note ?? '')).toBe(true)
  }
  expect(writes).toBeGreaterThan(10)
})

test('a target that falls further and further behind is not compared, and its lag is told', async () => {
  const applying = await target.connectAsSuperuser()
  // The apply worker waits for this row from the first transfer on.
  await applying.execute('BEGIN; SELECT FROM accounts WHERE id = 1 FOR UPDATE')
  try {
    const { result } = await underWrites(500, async () => {
      await until(
        'somebody to wait for a lock',
        async () => (await applying.query(`SELECT FROM pg_locks WHERE NOT granted`)).length > 0,
      )
      return compare({ waitMaxMs: 1_500 })
    })
    expect(result.verdict).toBe('inconclusive')
    const [accounts] = result.tables
    expect(accounts?.note).toMatch(
      /it lacks [0-9,]+ bytes of the source's log, which were [0-9,]+ when the wait began: its lag grows/,
    )
  } finally {
    await applying.execute('COMMIT')
  }
  expect((await compare()).verdict).toBe('equal')
})

/** How often the target is waited for, and what is found, with what happens `meanwhile`, each time it is waited for. */
async function waitsFor(table: string, meanwhile?: () => Promise<void>): Promise<{ waits: number; found: Found }> {
  const open = (name: 'source' | 'target') =>
    Side.open({ name, connect: () => connect((name === 'source' ? source : target).options), mode: 'live', jobs: 2 })
  const sides = { source: await open('source'), target: await open('target') }
  try {
    const selection = { tables: [table], exclude: [] }
    const [pair] = pairTables(await sides.source.catalog(), await sides.target.catalog(), selection).pairs
    if (pair === undefined) throw new Error('one table was paired')
    const options = { slots: ['copies'], waitMaxMs: 60_000, signal: undefined }
    const follows = await followingOf(sides.source, sides.target, options)
    const found = new Found()
    let count = 0
    await compareRanges({
      source: new KeyReader(sides.source, pair),
      target: new KeyReader(sides.target, pair),
      caughtUp: async () => {
        count += 1
        await meanwhile?.()
        await follows()
      },
      jobs: 2,
      found,
      onChunk: () => undefined,
      signal: undefined,
    })
    return { waits: count, found }
  } finally {
    await Promise.all([sides.source.close(), sides.target.close()])
  }
}

test('hundreds of ranges that differ cost as few waits as one', async () => {
  const sql = 'CREATE TABLE wide (id int PRIMARY KEY, v int); INSERT INTO wide SELECT g, g FROM generate_series(1, 60000) g'
  for (const session of [writer, await target.connect()]) {
    await session.execute(sql)
    await session.execute('ANALYZE wide')
  }
  await there.execute('UPDATE wide SET v = 0 WHERE id = 50000')
  const one = await waitsFor('wide')
  expect(one.found.differences).toEqual({ onlyInSource: 0, onlyInTarget: 0, changed: 1, exact: true })
  await there.execute('UPDATE wide SET v = 0 WHERE id % 500 = 0')
  const many = await waitsFor('wide')
  expect(many.found.differences).toEqual({ onlyInSource: 0, onlyInTarget: 0, changed: 120, exact: true })
  expect(one.waits).toBeGreaterThanOrEqual(4)
  await there.execute('UPDATE wide SET v = 0')
  const all = await waitsFor('wide')
  expect(all.found.exact).toBe(false)
  expect(all.found.count).toBeGreaterThanOrEqual(10_000)
  expect(Math.max(one.waits, many.waits, all.waits)).toBeLessThanOrEqual(8)
})

test('rows are found again by keys of several columns and of any characters', async () => {
  const sql = `CREATE TABLE odd (name text, at timestamptz, n numeric, v int, PRIMARY KEY (n, name, at));
    INSERT INTO odd SELECT name, '2024-01-01 00:00:00.000001+00', n, 1
      FROM unnest(ARRAY[E'a"b\\\\c\n', 'ü, {x}', '', 'NULL', E'\x01']) AS name, unnest(ARRAY[1.0, 1.5, 'NaN']) AS n`
  for (const session of [writer, await target.connect()]) await session.execute(sql)
  await there.execute(`UPDATE odd SET v = 2 WHERE n = 1.5; DELETE FROM odd WHERE n = 'NaN' AND name <> ''`)
  const { found } = await waitsFor('odd')
  expect(found.differences).toEqual({ onlyInSource: 4, onlyInTarget: 0, changed: 5, exact: true })
})

test('a row that is changed and changed back, or comes and goes, while it is looked at differs from nothing', async () => {
  const sql = `CREATE TABLE flips (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE flips_low PARTITION OF flips FOR VALUES FROM (0) TO (100); CREATE TABLE flips_high PARTITION OF flips DEFAULT;
    INSERT INTO flips SELECT g, 'a' FROM generate_series(1, 200) g`
  for (const session of [writer, await target.connect()]) await session.execute(sql)
  // What a target says that follows it and is read between the two changes; the last differs for good.
  await there.execute(`UPDATE flips SET v = 'b' WHERE id = 7; INSERT INTO flips VALUES (150000, 'b'), (150001, 'b')`)
  const { found } = await waitsFor('flips', async () => {
    for (const v of ['b', 'a']) await writer.query('UPDATE flips SET v = $1 WHERE id = 7', [v])
    await writer.query(`INSERT INTO flips VALUES (150000, 'b')`)
    await writer.query('DELETE FROM flips WHERE id = 150000')
    await there.query('DELETE FROM flips WHERE id = 150000')
    await there.query(`INSERT INTO flips VALUES (150000, 'b')`)
  })
  expect(found).toMatchObject({ unsettled: 2, differences: { onlyInSource: 0, onlyInTarget: 1, changed: 0, exact: true } })
  expect(found.told).toEqual([{ kind: 'only-in-target', key: ['150001'], count: 1 }])
})

test('what really differs is found under the same writes, to the exact keys', async () => {
  // The writers leave it alone: an update that follows would bring the whole row.
  await there.execute(`UPDATE accounts SET note = 'spoilt' WHERE id = 5007; DELETE FROM accounts WHERE id = 4242;
    INSERT INTO accounts VALUES (-1, 0, 'never there')`)
  const { result } = await underWrites(500, () => compare({ selection: { tables: ['accounts'], exclude: [] } }))
  await there.execute(`DELETE FROM accounts WHERE id = -1; UPDATE accounts SET note = 'n5007' WHERE id = 5007`)
  const [table] = result.tables
  expect(table?.differences).toEqual({ onlyInSource: 1, onlyInTarget: 1, changed: 1, exact: true })
  expect(table?.sample.map(({ kind, key }) => `${kind} ${key}`).sort()).toEqual([
    'changed 5007',
    'only-in-source 4242',
    'only-in-target -1',
  ])
})

test('a row that the target has twice under one key is never equal, though a look by its key sees one', async () => {
  const ready = (is: boolean) => `UPDATE pg_index SET indisready = ${is} WHERE indexrelid = 'accounts_pkey'::regclass`
  // As after a damage of the index, which then knows nothing of the second.
  await there.execute(ready(false))
  const [twin] = await there.query<{ at: string }>(
    'INSERT INTO accounts SELECT * FROM accounts WHERE id = 1 RETURNING ctid::text AS at',
  )
  await there.execute(ready(true))
  try {
    const { verdict } = await compare({ selection: { tables: ['accounts'], exclude: [] } })
    expect(verdict).toBe('different')
  } finally {
    await there.query('DELETE FROM accounts WHERE ctid = $1::tid', [twin?.at])
  }
})

test('a range that is written to all the time is equal only once its sums agreed, piece by piece', async () => {
  const sql = `CREATE TABLE twice (id int PRIMARY KEY, v int); INSERT INTO twice SELECT g, 0 FROM generate_series(1, 5010) g; ANALYZE twice`
  for (const session of [writer, await target.connect()]) await session.execute(sql)
  const write = (id: number) => async () => {
    for (const session of [writer, there]) await session.query('UPDATE twice SET v = v + 1 WHERE id = $1', [id])
  }
  await there.execute('UPDATE twice SET v = -1 WHERE id = 1')
  let writes = 0
  const mended = await waitsFor('twice', async () => {
    await write(7)()
    // Late once it has been looked at twice.
    if (++writes === 2) await there.execute('UPDATE twice SET v = 0 WHERE id = 1')
  })
  expect(mended.found).toMatchObject({ proven: false, count: 0, unsettled: 0, exact: true })

  const ready = (is: boolean) => `UPDATE pg_index SET indisready = ${is} WHERE indexrelid = 'twice_pkey'::regclass`
  // A twin that the index knows nothing of.
  await there.execute(ready(false))
  await there.execute('INSERT INTO twice SELECT * FROM twice WHERE id = 4000')
  await there.execute(ready(true))
  const hidden = await waitsFor('twice', write(7))
  expect(hidden.found).toMatchObject({ proven: true, exact: false })
  const hot = await waitsFor('twice', write(4000))
  expect(hot.found).toMatchObject({ proven: false, exact: false, note: expect.stringContaining('never stood still') })
})

test('a target that is late is waited for, and no difference', async () => {
  await writer.execute('INSERT INTO journal (account) SELECT g FROM generate_series(1, 100) g')
  await there.execute('ALTER SUBSCRIPTION copies DISABLE')
  await writer.execute(`UPDATE accounts SET note = 'late' WHERE id BETWEEN 10 AND 20`)
  const comparing = compare({ slots: ['copies'], selection: { tables: ['accounts'], exclude: [] } })
  await new Promise((resolve) => setTimeout(resolve, 500))
  await there.execute('ALTER SUBSCRIPTION copies ENABLE')
  const { tables } = await comparing
  expect(tables[0]?.differences).toMatchObject({ changed: 0, onlyInTarget: 0, exact: true })
})

test('a slot that is gone is waited for no longer, and its table stays inconclusive', async () => {
  const superuser = await source.connectAsSuperuser()
  await superuser.query(`SELECT pg_create_logical_replication_slot('leaving', 'pgoutput')`)
  const open = (name: 'source' | 'target') =>
    Side.open({ name, connect: () => connect((name === 'source' ? source : target).options), mode: 'live', jobs: 1 })
  const sides = [await open('source'), await open('target')] as const
  const follows = await followingOf(...sides, { slots: ['leaving'], waitMaxMs: 3_600_000, signal: undefined })
  const waiting = follows()
  waiting.catch(() => undefined)
  await superuser.query(`SELECT pg_drop_replication_slot('leaving')`)
  await expect(waiting).rejects.toMatchObject({ name: 'FellBehind', message: expect.stringContaining('is gone from the source') })
  await Promise.all(sides.map((side) => side.close()))
})

test('a table without a key is not compared, and nothing is then called equal', async () => {
  const { verdict, tables } = await compare({ selection: { tables: ['bag'], exclude: [] } })
  expect({ verdict, note: tables[0]?.note }).toEqual({ verdict: 'inconclusive', note: expect.stringContaining('has no key') })
})

test('a target that nobody can see follow is refused', async () => {
  const alone = await servers[1]?.database()
  if (alone === undefined) throw new Error('a database was made')
  await expect(compare({ target: () => connect(alone.options), selection: { tables: [], exclude: [] } })).rejects.toMatchObject({
    code: 'DATABASE_REFUSED',
    message: expect.stringContaining('--slot'),
  })
  await expect(compare({ slots: ['nothing'] })).rejects.toMatchObject({ code: 'DATABASE_REFUSED' })
})
