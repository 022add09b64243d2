/** Files carried over to a standby while applications write on the source. */
import { connect } from '../../../postgres/connect/session'
import { acquireLock, releaseLock } from '../../../postgres/migrate/lock'
import { readBound, readLines } from '../../../postgres/migrate/schema-line'
import { forgetOrigin, markFollowing } from '../../../postgres/replicate/seeding'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import { applyAtSource, bothAlike, carryAll, lined, migrateBoth, stepsOf, write } from './lines'
import { type ReplicatingServer, startReplicating, valuesOf } from './support'

const BASE = {
  'V1__base.sql': `
    CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL, token uuid NOT NULL);
    INSERT INTO accounts SELECT n, 100, gen_random_uuid() FROM generate_series(1, 20) n;
    CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text, gone text NOT NULL);
    CREATE TABLE old_ones (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, side text DEFAULT 'first');
    CREATE TABLE new_ones (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, side text DEFAULT 'second');
    CREATE TABLE parts (day int PRIMARY KEY, n int) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (100000);
    INSERT INTO parts VALUES (1, 1), (101, 1)`,
}

/** A row of decision 35's table each, and what went wrong in thought. */
const FILES = {
  'V2__column.sql': `ALTER TABLE accounts ADD COLUMN kind text NOT NULL DEFAULT 'plain'`,
  'V3__mixed.sql': `SET lock_timeout = '5s'; ALTER TABLE journal ADD COLUMN length int; UPDATE journal SET length = length(note)`,
  'V4__rows.sql': `UPDATE accounts SET kind = 'odd' WHERE id % 2 = 1; DELETE FROM journal WHERE id % 7 = 0; SELECT setval('journal_id_seq', 100000)`,
  'V5__free.sql': 'CREATE UNIQUE INDEX CONCURRENTLY accounts_token ON accounts (token)',
  'V6__swapped.sql':
    'ALTER TABLE old_ones RENAME TO between; ALTER TABLE new_ones RENAME TO old_ones; ALTER TABLE between RENAME TO new_ones',
  'V7__gone.sql':
    'ALTER TABLE journal DROP COLUMN gone; ALTER TABLE journal ALTER note TYPE varchar(40) USING upper(left(note, 40))',
  'V8__archive.sql': `CREATE TABLE archive (id bigint PRIMARY KEY, note text); INSERT INTO archive SELECT id, note FROM journal WHERE id % 3 = 0`,
  'V9__shapes.sql': `CREATE TYPE mood AS ENUM ('a', 'b'); ALTER TABLE archive ADD COLUMN mood mood DEFAULT 'a'; CREATE VIEW rich AS SELECT * FROM accounts WHERE balance > 100;
    CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS $$ SELECT 2 * n $$`,
  'V10__detached.sql': 'ALTER TABLE parts DETACH PARTITION parts_1',
  'V11__hidden.sql': `-- capstan: rows
    DO $$ BEGIN UPDATE archive SET mood = 'b' WHERE id % 2 = 0; END $$`,
  'V12__dropped.sql': 'DROP TABLE new_ones',
  'R__view.sql': 'CREATE OR REPLACE VIEW sums AS SELECT sum(balance) FROM accounts',
}

const WRITERS = [
  ['UPDATE accounts SET balance = balance + CASE id WHEN 3 THEN 1 ELSE -1 END WHERE id IN (3, 8)'],
  [`INSERT INTO journal (note, gone) VALUES ('a note that is long', 'x')`, `INSERT INTO journal (note) VALUES ('another one')`],
  ['INSERT INTO old_ones DEFAULT VALUES'],
  [
    'INSERT INTO new_ones DEFAULT VALUES; UPDATE parts SET n = n + 1',
    'UPDATE parts SET n = n + 1',
    'UPDATE parts_1 SET n = n + 1',
  ],
]

let servers: Record<15 | 17, ReplicatingServer>
beforeAll(async () => {
  const [fifteen, seventeen] = await Promise.all([startReplicating(15), startReplicating(17)])
  servers = { 15: fifteen, 17: seventeen }
})
afterAll(() => Promise.all(Object.values(servers ?? {}).map(({ server }) => server.stop())))

test('every kind of file is carried over under four writers, and both sides are alike: 15 to 17', async () => {
  const pair = await lined(servers[15], servers[17], BASE)
  const writers = await write(pair, WRITERS)
  await migrateBoth(pair, FILES)
  expect(await writers.stop()).toBeGreaterThan(20)
  await bothAlike(pair)
  const { standby, source } = pair
  const last = (await readLines(source.master)).at(-1)!
  expect(await readBound(standby.master)).toEqual({ line: last.line, deferred: 0 })
  expect((await readLines(source.master)).map(({ script }) => script)).toEqual(
    Object.keys(FILES).filter((script) => !/rows|free|hidden/.test(script)),
  )
  expect(await stepsOf(pair, FILES)).toEqual([])
})

test('a standby that is left behind stays at its line, gets all that the source has gone on with, and is alike in the end', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const { source, standby } = pair
  const writers = await write(pair, WRITERS)
  // of what is repeatable nobody has the content any more with which it ran first
  const first = { 'V2__column.sql': FILES['V2__column.sql'], 'R__view.sql': 'CREATE VIEW sums AS SELECT sum(id) FROM accounts' }
  await applyAtSource(pair, first)
  const [before] = await valuesOf(standby.master, 'SELECT count(*) FROM journal')
  // nothing is applied where one cannot be carried over
  const refused = {
    ...first,
    'V3__ok.sql': 'CREATE TABLE x (n int PRIMARY KEY)',
    'V99__no.sql': 'CALL f()',
  }
  await failureOf(applyAtSource(pair, refused), 'MIGRATION_NOT_FOR_STANDBYS')
  expect((await readLines(source.master)).map(({ script }) => script)).toEqual(['V2__column.sql', 'R__view.sql'])
  const files = { ...FILES, 'V10__more.sql': 'CREATE TABLE more (id int PRIMARY KEY); INSERT INTO more VALUES (1)' }
  const { 'V10__detached.sql': _, ...without } = files
  await applyAtSource(pair, without)
  await writers.stop()
  await source.master.execute('INSERT INTO more VALUES (2)')
  expect(await readBound(standby.master)).toEqual({ line: 0, deferred: 0 })
  expect(await valuesOf(standby.master, 'SELECT max(line) FROM capstan.schema_line')).toEqual([null])
  expect(Number((await valuesOf(standby.master, 'SELECT count(*) FROM journal'))[0])).toBeGreaterThanOrEqual(Number(before))

  const carried = await carryAll(pair, without)

  expect(carried.flatMap(({ deferred }) => deferred)).toContain('public.archive')
  expect(carried.at(-1)!.deferred).toEqual([])
  expect(carried.flatMap(({ copying }) => copying).sort()).toEqual(['public.archive', 'public.more'])
  await until(
    'all tables',
    async () => (await valuesOf(standby.master, `SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'`))[0] === 0,
  )
  await bothAlike(pair)
})

test('who holds no line is refused, who waits for nobody is told so, and a new writer may migrate itself', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const { source, standby, names } = pair
  const files = { 'V2__column.sql': FILES['V2__column.sql'] }
  await applyAtSource(pair, files)
  // the worker is not let come
  await standby.master.execute(`ALTER SUBSCRIPTION ${names.subscription} DISABLE`)
  await failureOf(carryAll(pair, files), 'DATABASE_REFUSED')
  await standby.master.execute(`ALTER SUBSCRIPTION ${names.subscription} ENABLE`)
  await carryAll(pair, files)
  await bothAlike(pair)
  // nothing names its rows: published, each UPDATE of it would fail
  const keyless = await failureOf(applyAtSource(pair, { ...files, 'V3__keyless.sql': 'CREATE TABLE keyless (n int)' }))
  expect([keyless.code, keyless.message]).toEqual(['MIGRATION_NOT_FOR_STANDBYS', expect.stringContaining('(keyless)')])
  expect((await readLines(source.master)).length).toBe(1)

  // what came before it is not there yet: the file waits, and what is dropped would have been lost
  const late = { ...files, 'V4__gone.sql': FILES['V7__gone.sql'] }
  await standby.superuser.execute('BEGIN; LOCK TABLE accounts IN SHARE MODE')
  await source.master.execute(`UPDATE accounts SET balance = 0; INSERT INTO journal (note, gone) VALUES ('a', 'b')`)
  await applyAtSource(pair, late)
  const notThere = await failureOf(carryAll(pair, late, { arriveMs: 300 }), 'NOT_READY_YET')
  expect(notThere.facts.reason).toBe('not-there')
  // nor after as many rounds as it is given
  const enough = await failureOf(carryAll(pair, late, { arriveMs: 100, withinMs: 500 }), 'DATABASE_REFUSED')
  expect(enough.message).toMatch(/within \d+ ms.* It was waited for 0 s altogether/)
  await standby.superuser.execute('COMMIT')
  // another run on the source is waited for, and refuses nothing for good
  await acquireLock(source.superuser, { waitMs: 0 })
  expect((await failureOf(carryAll(pair, late), 'NOT_READY_YET')).message).toContain('Another migration run holds the lock')
  await releaseLock(source.superuser)
  await carryAll(pair, late)
  await bothAlike(pair)

  await markFollowing(standby.master, { source: 'shop', operation: 'mark-a1' as never })
  expect(await readBound(standby.master)).toEqual({ line: 2, deferred: 0 })
  await forgetOrigin(standby.master, { source: 'shop' })
  expect(await readBound(standby.master)).toBeNull()
  await markFollowing(source.master, { source: 'elsewhere', operation: 'mark-a2' as never })
  expect(await readBound(source.master)).toEqual({ line: 2, deferred: 0 })
  await expect(source.master.execute(`INSERT INTO capstan.schema_line VALUES (3, 'x', 1)`)).rejects.toThrow('schema_line_bound')
})

test('what applies has left the queue at one line, and is let past it before the next file runs', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const { source, standby, names } = pair
  const { 'V2__column.sql': column, 'V6__swapped.sql': swapped } = FILES
  const files = { 'V2__column.sql': column, 'V6__swapped.sql': swapped }
  await applyAtSource(pair, { 'V2__column.sql': column })
  await source.master.execute(`INSERT INTO old_ones (side) VALUES ('between')`)
  await applyAtSource(pair, files)
  const subscription = (how: string) => standby.master.execute(`ALTER SUBSCRIPTION ${names.subscription} ${how}`)
  const leave = async () => {
    await subscription('DISABLE')
    await standby.superuser.execute(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_subscription WHERE subname = '${names.subscription}'`,
    )
    await until('no worker', async () => {
      const workers = `SELECT count(*) FROM pg_stat_subscription WHERE subname = '${names.subscription}' AND pid IS NOT NULL`
      return Number((await valuesOf(standby.master, workers))[0]) === 0
    })
  }
  let opened = 0
  await carryAll(pair, files, {
    async connect() {
      const session = await connect(standby.options)
      opened += 1
      // the first file is about to run, and it was at the line
      if (opened === 2) await leave()
      const execute = session.execute.bind(session)
      session.execute = async (sql, ...more) => {
        const result = await execute(sql, ...more)
        if (opened > 2 && sql.includes('LOCK TABLE capstan.schema_line')) await subscription('ENABLE')
        return result
      }
      return session
    },
  })
  await bothAlike(pair)
})

const LEFT_BEHIND = {
  renamed: ['CREATE TABLE early (id int PRIMARY KEY)', 'ALTER TABLE early RENAME TO late'],
  moved: [
    'CREATE TABLE early (id int PRIMARY KEY)',
    'CREATE SCHEMA apart; GRANT USAGE ON SCHEMA apart TO follower; ALTER TABLE early SET SCHEMA apart',
  ],
} as const

test.each(Object.entries(LEFT_BEHIND))(
  'a table of one line that is %s at a later one is copied whole',
  async (_, [made, changed]) => {
    const pair = await lined(servers[17], servers[17], BASE)
    const { source, standby } = pair
    const files = { 'V2__made.sql': made, 'V3__changed.sql': changed }
    await applyAtSource(pair, { 'V2__made.sql': made })
    await source.master.execute('INSERT INTO early SELECT generate_series(1, 1000)')
    await applyAtSource(pair, files)
    const carried = await carryAll(pair, files)
    expect(carried.map(({ deferred }) => deferred)).toEqual([['public.early'], []])
    await bothAlike(pair)
    expect(await readBound(standby.master)).toEqual({ line: 2, deferred: 0 })
  },
)

test('a table that came to be a partition while it was not followed, and a file that minds what is empty, have it seeded anew', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const made = { 'V2__part.sql': 'CREATE TABLE part (day int PRIMARY KEY, n int)' }
  await applyAtSource(pair, made)
  await pair.source.master.execute('INSERT INTO part VALUES (100001, 1)')
  const files = { ...made, 'V3__attached.sql': 'ALTER TABLE parts ATTACH PARTITION part FOR VALUES FROM (100000) TO (200000)' }
  await applyAtSource(pair, files)
  for (let times = 0; times < 2; times += 1) {
    const refused = await failureOf(carryAll(pair, files), 'DATABASE_REFUSED')
    expect(refused.message).toContain('standby reseed')
  }
  expect(await readBound(pair.standby.master)).toEqual({ line: 1, deferred: 1 })

  // nor of a root that the standby learns of in that moment, and not as long as it may be another one's
  const rooted = await lined(servers[17], servers[17], BASE)
  await applyAtSource(rooted, made)
  await rooted.source.master.execute('INSERT INTO part VALUES (1, 1)')
  const together = {
    ...made,
    'V3__root.sql': `CREATE TABLE root (day int PRIMARY KEY, n int) PARTITION BY RANGE (day);
      ALTER TABLE root ATTACH PARTITION part FOR VALUES FROM (0) TO (100)`,
  }
  await applyAtSource(rooted, together)
  expect((await failureOf(carryAll(rooted, together), 'DATABASE_REFUSED')).message).toContain(
    'are partitions by now (public.part)',
  )
  expect(await readBound(rooted.standby.master)).toEqual({ line: 1, deferred: 1 })

  const other = await lined(servers[17], servers[17], BASE)
  const kinds = { 'V2__kinds.sql': 'CREATE TABLE kinds (id int PRIMARY KEY)' }
  await applyAtSource(other, kinds)
  await other.source.master.execute('INSERT INTO kinds VALUES (100)')
  const more = {
    ...kinds,
    'V3__bound.sql': 'ALTER TABLE accounts ADD FOREIGN KEY (balance) REFERENCES kinds',
    'V4__renamed.sql': 'ALTER TABLE kinds RENAME TO sorts',
  }
  await applyAtSource(other, more)
  const failed = await failureOf(carryAll(other, more), 'DATABASE_REFUSED')
  expect(failed.message).toContain('standby reseed')
})

test('a partition that was not followed comes with a root that is copied whole, and by itself where it was detached again', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const files = {
    'V2__part.sql': 'CREATE TABLE part (day int PRIMARY KEY, n int)',
    'V3__root.sql': `CREATE TABLE root (day int PRIMARY KEY, n int) PARTITION BY RANGE (day);
      ALTER TABLE root ATTACH PARTITION part FOR VALUES FROM (0) TO (100)`,
    'V4__renamed.sql': 'ALTER TABLE root RENAME TO stem',
  }
  const { 'V2__part.sql': made } = files
  await applyAtSource(pair, { 'V2__part.sql': made })
  await pair.source.master.execute('INSERT INTO part VALUES (1, 1)')
  await applyAtSource(pair, files)
  expect((await carryAll(pair, files)).map(({ copying }) => copying)).toEqual([[], [], ['public.stem']])
  await bothAlike(pair)

  const apart = await lined(servers[17], servers[17], BASE)
  const undone = {
    ...files,
    'V4__renamed.sql': 'ALTER TABLE root DETACH PARTITION part; DROP TABLE root; ALTER TABLE part RENAME TO whole',
  }
  await applyAtSource(apart, { 'V2__part.sql': made })
  await apart.source.master.execute('INSERT INTO part VALUES (1, 1)')
  await applyAtSource(apart, undone)
  expect((await carryAll(apart, undone)).map(({ copying }) => copying)).toEqual([[], [], ['public.whole']])
  await bothAlike(apart)
})

test('what stands in the way of new tables at the last line is named, and nothing is passed', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const { source, standby, names } = pair
  const publication = (how: string) => source.master.execute(`ALTER PUBLICATION ${names.publication} ${how}`)
  await publication('DROP TABLE journal')
  const column = { 'V2__column.sql': FILES['V2__column.sql'] }
  await applyAtSource(pair, column)
  await carryAll(pair, column)
  const files = { ...column, 'V3__late.sql': 'CREATE TABLE late (id int PRIMARY KEY)' }
  await applyAtSource(pair, files)
  await source.master.execute('INSERT INTO late VALUES (1)')
  const refused = await failureOf(carryAll(pair, files), 'DATABASE_REFUSED')
  expect(refused.message).toMatch(/learn of public\.late .*put back .*\(public\.journal\)/)
  expect(await readBound(standby.master)).toEqual({ line: 1, deferred: 0 })
  await publication('ADD TABLE ONLY journal')
  await carryAll(pair, files)
  await bothAlike(pair)
})

test('a SELECT whose function makes a table is rolled back on the source, one that writes rows is not', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const made = {
    'V2__functions.sql': `CREATE FUNCTION tenant() RETURNS void LANGUAGE plpgsql AS $$ BEGIN BEGIN CREATE TABLE tenant (id int PRIMARY KEY); EXCEPTION WHEN others THEN NULL; END; END $$;
      CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS $$ UPDATE accounts SET balance = 1 $$`,
    'V3__pay.sql': 'CREATE TEMP TABLE scratch AS SELECT 1; SELECT pay()',
  }
  await applyAtSource(pair, made)
  const refused = await failureOf(
    applyAtSource(pair, { ...made, 'V4__tenant.sql': 'SELECT tenant()' }),
    'MIGRATION_NOT_FOR_STANDBYS',
  )
  expect(refused.message).toContain('-- capstan: schema')
  expect(await valuesOf(pair.source.master, `SELECT to_regclass('tenant')`)).toEqual([null])
  // nor does a statement tell of values that its type makes up
  const keyed = {
    ...made,
    'V5__key.sql': 'CREATE DOMAIN key AS uuid DEFAULT gen_random_uuid(); CREATE TABLE keyed (id key PRIMARY KEY)',
  }
  await applyAtSource(pair, keyed)
  const filled = { ...keyed, 'V6__filled.sql': 'ALTER TABLE accounts ADD COLUMN k key' }
  expect((await failureOf(applyAtSource(pair, filled), 'MIGRATION_NOT_FOR_STANDBYS')).message).toContain('public.accounts.k')
  await carryAll(pair, keyed)
  await bothAlike(pair)
})

test('where an event trigger of the standby would fire nothing is carried over, and one that is disabled there is no difference', async () => {
  const audited = `CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tag text);
    CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit (tag) VALUES (tg_tag); END $$`
  const pair = await lined(servers[17], servers[17], { ...BASE, 'V1_1__audit.sql': audited })
  const { source, standby } = pair
  for (const { superuser } of [source, standby])
    await superuser.execute('CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted()')
  const files = { 'V2__column.sql': FILES['V2__column.sql'] }
  await applyAtSource(pair, files)
  expect((await failureOf(carryAll(pair, files), 'DATABASE_REFUSED')).message).toContain('ALTER EVENT TRIGGER noted DISABLE')
  expect(await readBound(standby.master)).toEqual({ line: 0, deferred: 0 })
  await standby.superuser.execute('ALTER EVENT TRIGGER noted DISABLE')
  await carryAll(pair, files)
  await bothAlike(pair)
})

test('without the line the rows behind a file meet the old schema', async () => {
  const pair = await lined(servers[17], servers[17], BASE)
  const { source, standby } = pair
  await standby.master.execute('ALTER TABLE capstan.schema_line DROP CONSTRAINT schema_line_bound')
  await applyAtSource(pair, { 'V6__swapped.sql': FILES['V6__swapped.sql'] })
  await source.master.execute(`INSERT INTO old_ones (side) VALUES ('x')`)
  await until(
    'a row in the wrong table',
    async () => (await valuesOf(standby.master, `SELECT side FROM old_ones WHERE side = 'x'`)).length === 1,
  )
  await failureOf(carryAll(pair, { 'V6__swapped.sql': FILES['V6__swapped.sql'] }), 'DATABASE_REFUSED')
})
