/** A comparison that was interrupted and goes on: what was proven is not summed again, and whatever was written since is noticed all the same. */
import fc from 'fast-check'
import { connect, type Session } from '../../../postgres/connect/session'
import type { ProvenSoFar } from '../../../postgres/verify/carry-on'
import { type CompareOptions, compareDatabases } from '../../../postgres/verify/compare'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'
import { notingSums } from '../support/summed'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17, { max_connections: '200' })
})
afterAll(() => server?.stop())

const TABLES = `
  CREATE TABLE accounts (id int PRIMARY KEY, note text); INSERT INTO accounts SELECT g, 'a' || g FROM generate_series(1, 300) g;
  CREATE TABLE events (id int, at date NOT NULL, more int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
  CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
  INSERT INTO events SELECT g, '2026-01-01'::date + g % 59, 4 FROM generate_series(1, 300) g;
  CREATE TABLE keyless (a int, b text); INSERT INTO keyless SELECT g % 7, 'k' FROM generate_series(1, 100) g;
  CREATE TYPE place AS (x int, y int); CREATE TYPE mood AS ENUM ('glad', 'sad');
  CREATE TABLE visits (id int PRIMARY KEY, at place, mood mood); INSERT INTO visits SELECT g, ROW(g, g)::place, 'glad' FROM generate_series(1, 50) g`

interface Pair {
  readonly databases: readonly [TestDatabase, TestDatabase]
  readonly source: Session
  readonly target: Session
  compare(options?: Partial<CompareOptions>): ReturnType<typeof compareDatabases>
  /** Tables that were summed since the last call. */
  summed(): string[]
}

async function pair(): Promise<Pair> {
  const [one, other] = [await server.database(), await server.database()]
  const [source, target] = [await one.connect(), await other.connect()]
  for (const session of [source, target]) await session.execute(TABLES)
  const summed = new Set<string>()
  const listened = async ({ options }: TestDatabase) =>
    notingSums(await connect({ ...options, applicationName: 'comparing' }), summed)
  return {
    databases: [one, other],
    ...{ source, target },
    compare: (options = {}) =>
      compareDatabases({ source: () => listened(one), target: () => listened(other), mode: 'static', jobs: 2, ...options }),
    summed() {
      const names = [...new Set([...summed].map((name) => name.replace(/_\d$/, '')))].sort()
      summed.clear()
      return names
    },
  }
}

/** Proves everything, and is asked what is known by then. As JSON, as it travels. */
async function provenOf({ compare, summed }: Pair, options: Partial<CompareOptions> = {}): Promise<ProvenSoFar> {
  let known: ProvenSoFar | undefined
  await compare({ ...options, onProven: (told) => (known = told) })
  summed()
  return JSON.parse(JSON.stringify(known)) as ProvenSoFar
}

test('what was proven before an interruption is counted, and not summed again; the result is the same', async () => {
  const it = await pair()
  const whole = await it.compare()
  expect(it.summed()).toEqual(['accounts', 'events', 'keyless', 'visits'])
  const interrupted = new AbortController()
  let known: ProvenSoFar | undefined
  const until = it.compare({
    signal: interrupted.signal,
    onProven(told) {
      known = told
      if (told.tables.length === 2) interrupted.abort(new Error('the worker died'))
    },
  })
  await expect(until).rejects.toThrow('the worker died')
  expect(known?.tables.map(({ name }) => name)).toEqual(['public.accounts', 'public.events'])
  it.summed()
  const told: ProvenSoFar[] = []
  expect(await it.compare({ carriedOn: known, onProven: (now) => told.push(now) })).toEqual(whole)
  expect(it.summed()).toEqual(['keyless', 'visits'])
  expect(told.at(-1)?.tables).toHaveLength(4)
  expect(await it.compare({ carriedOn: told.at(-1) })).toEqual(whole)
  expect(it.summed()).toEqual([])
})

const WRITES = {
  'a row that came': `INSERT INTO accounts VALUES (1000, 'new')`,
  'a row that went': 'DELETE FROM accounts WHERE id = 7',
  'a row that changed': `UPDATE accounts SET note = 'other' WHERE id = 7`,
  'a row that went and came again': `DELETE FROM accounts WHERE id = 7; INSERT INTO accounts VALUES (7, 'changed')`,
  'a row that gave its place to another': `DELETE FROM accounts WHERE id = 7; INSERT INTO accounts VALUES (1000, 'new')`,
  'a table that was emptied and filled': `CREATE TEMP TABLE kept AS SELECT * FROM accounts; TRUNCATE accounts; INSERT INTO accounts SELECT id, upper(note) FROM kept`,
  'a table that was made anew': `DROP TABLE accounts; CREATE TABLE accounts (id int PRIMARY KEY, note text); INSERT INTO accounts SELECT g, 'b' || g FROM generate_series(1, 300) g`,
  'a column that came': `ALTER TABLE accounts ADD COLUMN more int DEFAULT 1`,
  'a column that was made anew under its name': 'ALTER TABLE accounts DROP COLUMN note, ADD COLUMN note text',
  'a column that was made anew with a default': `ALTER TABLE accounts DROP COLUMN note; ALTER TABLE accounts ADD COLUMN note text DEFAULT 'x'`,
  'a column of a partitioned table': `ALTER TABLE events DROP COLUMN more; ALTER TABLE events ADD COLUMN more int DEFAULT 5`,
  'a part of a composite': 'ALTER TYPE place DROP ATTRIBUTE y; ALTER TYPE place ADD ATTRIBUTE y int',
  'a label that has another name': `ALTER TYPE mood RENAME VALUE 'glad' TO 'merry'`,
  'a row in a partition': `INSERT INTO events VALUES (1000, '2026-02-03', 4)`,
  'a row of a partition that went': 'DELETE FROM events WHERE id = 100',
  'a row without a key': `UPDATE keyless SET a = 99 WHERE ctid = (SELECT min(ctid) FROM keyless)`,
} as const

const WRITTEN = Object.entries(WRITES).map(([what, sql], at) => [what, at % 2 === 0 ? 'source' : 'target', sql] as const)

test.each(WRITTEN)('%s in the %s is found, as by a comparison from the beginning', async (_what, side, sql) => {
  const it = await pair()
  const known = await provenOf(it)
  await it[side].execute(sql)
  const fresh = await it.compare()
  expect(fresh.verdict).toBe('different')
  expect(await it.compare({ carriedOn: known })).toEqual(fresh)
})

test('a transaction that was open under the first snapshot, and commits behind it, is found', async () => {
  const it = await pair()
  const open = await it.databases[1].connect()
  await open.execute(`BEGIN; UPDATE accounts SET note = 'late' WHERE id = 3; SAVEPOINT deeper; DELETE FROM keyless WHERE a = 1`)
  const known = await provenOf(it)
  expect(known.tables).toHaveLength(4)
  await open.execute('COMMIT')
  const { verdict, tables } = await it.compare({ carriedOn: known })
  expect(verdict).toBe('different')
  expect(tables.map((table) => [table.table, table.verdict])).toEqual([
    ['public.accounts', 'different'],
    ['public.events', 'equal'],
    ['public.keyless', 'different'],
    ['public.visits', 'equal'],
  ])
})

test('a table that was only rewritten or frozen is still proven', async () => {
  const it = await pair()
  const known = await provenOf(it)
  await it.source.execute('VACUUM FULL accounts')
  await it.target.execute('VACUUM FREEZE keyless')
  it.summed()
  expect(await it.compare({ carriedOn: known })).toMatchObject({ verdict: 'equal' })
  expect(it.summed()).toEqual([])
})

test.each<[string, (known: ProvenSoFar, other: ProvenSoFar) => ProvenSoFar]>([
  ['of another database', (known, other) => ({ ...known, databases: other.databases })],
  ['of another mode', (known) => ({ ...known, mode: 'live' })],
  ['of another version', (known) => ({ ...known, version: 2 }) as unknown as ProvenSoFar],
  ['of another shape', (known) => ({ ...known, tables: known.tables.map((table) => ({ ...table, shape: 'another' })) })],
  [
    'of a future that was taken back',
    (known) => ({
      ...known,
      tables: known.tables.map((table) => ({ ...table, horizons: { ...table.horizons, target: '4000000000' } })),
    }),
  ],
])('what is known %s is worth nothing', async (_what, changed) => {
  const [it, other] = [await pair(), await pair()]
  const known = changed(await provenOf(it), await provenOf(other))
  expect(await it.compare({ carriedOn: known })).toMatchObject({ verdict: 'equal' })
  expect(it.summed()).toEqual(['accounts', 'events', 'keyless', 'visits'])
})

test('a server that was started again, and may have lost commits, is asked everything anew', async () => {
  const it = await pair()
  const known = await provenOf(it)
  const superuser = await it.databases[0].connectAsSuperuser()
  await superuser.query(`SELECT pg_stat_reset_shared('archiver')`)
  it.summed()
  expect(await it.compare({ carriedOn: known })).toMatchObject({ verdict: 'equal' })
  expect(it.summed()).toEqual(['accounts', 'events', 'keyless', 'visits'])
})

test('whatever is written in between, it says what a comparison from the beginning says', async () => {
  const it = await pair()
  const change = fc.constantFrom(
    `INSERT INTO accounts SELECT coalesce(max(id), 0) + 1, 'n' FROM accounts`,
    'DELETE FROM accounts WHERE id = (SELECT min(id) FROM accounts)',
    `UPDATE accounts SET note = note || '!' WHERE id = (SELECT max(id) FROM accounts)`,
    'UPDATE accounts SET note = note WHERE id = (SELECT max(id) FROM accounts)',
    `INSERT INTO events SELECT coalesce(max(id), 0) + 1, '2026-01-05', 4 FROM events`,
    `UPDATE events SET at = '2026-02-07' WHERE id = (SELECT min(id) FROM events)`,
    'INSERT INTO keyless VALUES (1, NULL)',
    'DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless)',
    'VACUUM FULL events_1',
    'VACUUM keyless',
  )
  const step = fc.record({ sides: fc.constantFrom(['source'], ['target'], ['source', 'target']), change })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
      const known = await provenOf(it)
      for (const { sides, change: sql } of steps) for (const side of sides) await it[side as 'source' | 'target'].execute(sql)
      expect(await it.compare({ carriedOn: known })).toEqual(await it.compare())
    }),
    { numRuns: 10 },
  )
})
