/** Rows that were lost come back out of a copy, and nothing else changes. */
import { connect } from '../../../postgres/connect/session'
import { raiseFence } from '../../../postgres/migrate/fence'
import { failureOf } from '../support/apply'
import { contentOf, cutOff, ORDERS, openWorlds, orders, type World, type Worlds } from './support'

let worlds: Worlds
beforeAll(async () => {
  worlds = await openWorlds()
})
afterAll(() => worlds?.stop())

/** An application that writes until `work` has ended, and writes down what the table must hold of its own rows. */
async function underTraffic<T>(
  { databases }: World,
  work: () => Promise<T>,
): Promise<{ result: T; journal: Map<number, string | null> }> {
  const journal = new Map<number, string | null>()
  const session = await databases.live.connect('shop')
  let over = false
  const writer = (async () => {
    for (let n = 0; !over || n < 30; n += 1) {
      const [fresh, old] = [1_000_000 + n, 1 + 5 * n + 1]
      await session.query(`INSERT INTO orders VALUES ($1, 1, 'new', 'later')`, [fresh])
      journal.set(fresh, 'new')
      await session.query(`UPDATE orders SET status = 'shipped', note = NULL WHERE id = $1`, [old])
      journal.set(old, 'shipped')
      if (n % 3 === 0) {
        await session.query('DELETE FROM orders WHERE id = $1', [fresh])
        journal.set(fresh, null)
      }
    }
  })()
  try {
    const result = await work()
    return { result, journal }
  } finally {
    over = true
    await writer
  }
}

test('after a bad DELETE of 10,000 rows under traffic exactly these come back, and no later write is touched', async () => {
  const world = await worlds.world(orders(50_000))
  await world.live.execute(`DELETE FROM orders WHERE status = 'open'`)
  const { result, journal } = await underTraffic(world, async () => {
    const plan = await world.plan(['orders'], { where: `status = 'open'` })
    expect(plan.tables[0]).toMatchObject({
      table: 'public.orders',
      key: ['id'],
      rows: 10_000,
      leftOut: 0,
      changed: 0,
      orphans: [],
      taken: [],
    })
    expect(await world.live.query(`SELECT to_regnamespace('capstan') AS schema`)).toEqual([{ schema: null }])
    return world.apply(plan)
  })
  expect(result.tables[0]?.outcomes).toEqual({ brought: 10_000, altered: 0, reappeared: 0, refused: 0, orphan: 0 })
  expect(journal.size).toBeGreaterThan(50)
  const there = await world.live.query<{ id: number; status: string; note: string | null }>('SELECT id, status, note FROM orders')
  const was = await world.copy.query<{ id: number; status: string; note: string | null }>('SELECT id, status, note FROM orders')
  const expected = new Map(was.map(({ id, status }) => [id, status]))
  for (const [id, status] of journal)
    if (status === null) expected.delete(id)
    else expected.set(id, status)
  expect(new Map(there.map(({ id, status }) => [id, status]))).toEqual(expected)
  const notes = new Map(was.map(({ id, note }) => [id, note]))
  expect(there.filter(({ id, status, note }) => status === 'open' && notes.get(id) !== note)).toEqual([])
  expect(await world.live.query(`SELECT count(*)::int AS left FROM pg_class WHERE relname LIKE 'rows\\_%'`)).toEqual([
    { left: 0 },
  ])
})

test('what somebody changed, deleted with reason or wrote since stays as it is, and is told', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute(`
    DELETE FROM orders WHERE id IN (5, 10, 11, 12);
    UPDATE orders SET note = 'other' WHERE id IN (15, 16);
    INSERT INTO orders VALUES (60000, 1, 'new', NULL)`)
  const plan = await world.plan(['public.orders'], { where: `orders.status = 'open' AND customer < 50` })
  expect(plan.tables[0]).toMatchObject({
    rows: 2,
    leftOut: 2,
    changed: 1,
    sample: { missing: [['5'], ['10']], changed: [['15']] },
  })
  const { tables } = await world.apply(plan)
  expect(tables[0]?.outcomes.brought).toBe(2)
  expect(await world.live.query(`SELECT id, note FROM orders WHERE id IN (5, 10, 11, 12, 15, 16, 60000) ORDER BY 1`)).toEqual([
    { id: 5, note: 'nnnnn' },
    { id: 10, note: 'n'.repeat(10) },
    { id: 15, note: 'other' },
    { id: 16, note: 'other' },
    { id: 60000, note: null },
  ])
  // asked again, the plan says what came of it, and nothing is written twice
  await world.live.execute('DELETE FROM orders WHERE id = 5')
  expect(await world.apply(plan)).toEqual({ version: 1, digest: plan.digest, tables })
  expect(await world.live.query('SELECT FROM orders WHERE id = 5')).toEqual([])
})

test('a plan that no longer holds, for other rows or for another value in one of them, changes nothing', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id < 100')
  const plan = await world.plan(['orders'])
  await world.live.execute('DELETE FROM orders WHERE id = 100')
  const before = await contentOf(world.live, 'orders')
  const refused = await failureOf(world.apply(plan), 'PLAN_DRIFTED')
  expect(refused.message).toContain('of public.orders other rows are missing now (100) than it says (99)')
  expect(await contentOf(world.live, 'orders')).toEqual(before)
  expect(await world.live.query(`SELECT FROM pg_class WHERE relname LIKE 'rows\\_%'`)).toEqual([])
  const again = await world.plan(['orders'])
  await world.copy.execute(`UPDATE orders SET note = 'altered' WHERE id = 7`)
  await failureOf(world.apply(again), 'PLAN_DRIFTED')
  expect((await world.apply(await world.plan(['orders']))).tables[0]?.outcomes.brought).toBe(100)
})

test('parents come back before their children, rows of a tree in its order, and who has no parent is told', async () => {
  const world = await worlds.world(`
    CREATE TABLE b_customers (id int PRIMARY KEY, name text);
    CREATE TABLE a_orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES b_customers ON DELETE CASCADE);
    CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE);
    INSERT INTO b_customers SELECT g, 'c' || g FROM generate_series(1, 50) g;
    INSERT INTO a_orders SELECT g, 1 + g % 50 FROM generate_series(1, 500) g;
    INSERT INTO tree VALUES (1, NULL), (9, 1), (8, 9), (7, 8), (6, 7);
    CREATE TABLE rooted (id int PRIMARY KEY, parent int NOT NULL REFERENCES rooted);
    INSERT INTO rooted VALUES (5, 5), (4, 5), (9, 9), (3, 4)`)
  await world.live.execute('DELETE FROM b_customers WHERE id > 40; DELETE FROM tree WHERE id = 1; DELETE FROM rooted')
  const orders = await world.plan(['a_orders'])
  expect(orders.tables[0]).toMatchObject({
    rows: 100,
    orphans: [{ name: 'a_orders_customer_fkey', columns: ['customer'], rows: 100 }],
  })
  const plan = await world.plan(['tree', 'a_orders', 'b_customers', 'rooted'])
  expect(plan.tables.map(({ table, rows, orphans }) => [table, rows, orphans])).toEqual([
    ['public.b_customers', 10, []],
    ['public.rooted', 4, []],
    ['public.tree', 5, []],
    ['public.a_orders', 100, []],
  ])
  const { tables } = await world.apply(plan)
  expect(tables.map(({ outcomes }) => outcomes.brought)).toEqual([10, 4, 5, 100])
  await world.live.execute('DELETE FROM b_customers WHERE id = 3')
  const alone = await world.apply(await world.plan(['a_orders']))
  expect(alone.tables[0]).toMatchObject({ rows: 10, outcomes: { brought: 0, orphan: 10 } })
  expect(alone.tables[0]?.sample[0]).toEqual({ outcome: 'orphan', key: ['2'], why: null })
})

test('taken values, refused rows and rows that are there again leave the others alone', async () => {
  const world = await worlds.world(`
    CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, age int);
    INSERT INTO users SELECT g, 'u' || g, g FROM generate_series(1, 100) g`)
  await world.live.execute(`
    DELETE FROM users WHERE id <= 20;
    INSERT INTO users VALUES (500, 'u1', 1);
    ALTER TABLE users ADD CONSTRAINT grown CHECK (age <> 2)`)
  const plan = await world.plan(['users'])
  expect(plan.tables[0]).toMatchObject({ rows: 20, taken: [{ name: 'users_email_key', columns: ['email'], rows: 1 }] })
  const { tables } = await world.apply(plan)
  expect(tables[0]?.outcomes).toEqual({ brought: 18, altered: 0, reappeared: 0, refused: 2, orphan: 0 })
  expect(tables[0]?.sample).toEqual([
    { outcome: 'refused', key: ['1'], why: 'another unique value of it is taken, or a trigger left it out' },
    { outcome: 'refused', key: ['2'], why: expect.stringMatching(/grown.*SQLSTATE 23514/) },
  ])
})

test('a run that was cut off goes on: each row is written once, and one that was deleted again stays deleted', async () => {
  const world = await worlds.world(orders(3_000))
  await world.live.execute('DELETE FROM orders WHERE id > 100')
  const plan = await world.plan(['orders'])
  await cutOff(world, plan)
  const [half] = await world.live.query<{ rows: number }>('SELECT count(*)::int AS rows FROM orders')
  expect(half?.rows).toBeGreaterThan(100)
  expect(half?.rows).toBeLessThan(3_000)
  await world.live.execute(`DELETE FROM orders WHERE id = 101; INSERT INTO orders VALUES (3000, 1, 'new', 'by hand')`)
  await world.copy.execute('DROP TABLE orders')
  expect((await failureOf(world.plan(['orders']), 'ROWS_UNRECOVERABLE')).message).toContain('the copy has no such table')
  const { tables } = await world.apply(plan)
  expect(tables[0]?.outcomes).toEqual({ brought: 2_899, altered: 0, reappeared: 1, refused: 0, orphan: 0 })
  expect(await world.live.query('SELECT id, note FROM orders WHERE id IN (101, 3000)')).toEqual([{ id: 3000, note: 'by hand' }])
})

test('who asks the same again is given the plan that is under way, and another request over the table is refused', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id < 700')
  const plan = await world.plan(['orders'])
  await cutOff(world, plan)
  expect(await world.plan(['orders'])).toEqual({ ...plan, underWay: true })
  const { message } = await failureOf(world.plan(['orders'], { where: 'id = 1' }), 'ROW_RECOVERY_UNDER_WAY')
  expect(message).toContain(plan.digest)
  expect((await world.apply(plan)).tables[0]?.outcomes.brought).toBe(699)
  expect((await world.plan(['orders'])).tables[0]?.rows).toBe(0)
})

test('the same rows lost again come back again, but not by a run that was overtaken', async () => {
  const world = await worlds.world(ORDERS)
  const digests = new Set<string>()
  for (let time = 0; time < 3; time += 1) {
    await world.live.execute('DELETE FROM orders WHERE id < 10')
    const plan = await world.plan(['orders'])
    digests.add(plan.digest)
    expect((await world.apply(plan)).tables[0]?.outcomes.brought).toBe(9)
  }
  expect(digests.size).toBe(3)
  // an overtaken run writes nothing any more
  await world.live.execute('DELETE FROM orders')
  const plan = await world.plan(['orders'])
  await raiseFence(world.live, { epoch: 3, attempt: 1, operation: 'other' })
  await failureOf(world.apply(plan, { fence: { epoch: 2, attempt: 9 } }), 'FENCED_OFF')
  expect(await world.live.query('SELECT FROM orders')).toEqual([])
})

test('identity, generated and new columns, partitions, and a sequence that stands below', async () => {
  const world = await worlds.world(`
    CREATE TABLE parts (id int GENERATED ALWAYS AS IDENTITY, at date NOT NULL, cents int, euros numeric GENERATED ALWAYS AS (cents / 100.0) STORED,
                        PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO parts (at, cents) SELECT '2024-12-01'::date + g, g FROM generate_series(0, 39) g`)
  await world.live.execute(
    `TRUNCATE parts RESTART IDENTITY; ALTER TABLE parts ADD tag text NOT NULL DEFAULT 'none'; DROP TABLE parts_2`,
  )
  const plan = await world.plan(['parts'])
  expect(plan.tables[0]).toMatchObject({
    rows: 40,
    key: ['id', 'at'],
    columns: ['at', 'cents', 'id'],
    defaults: ['tag'],
    sequencesBehind: [{ sequence: 'public.parts_id_seq', column: 'id', at: null, brought: '40' }],
  })
  const { tables } = await world.apply(plan)
  expect(tables[0]?.outcomes).toMatchObject({ brought: 31, refused: 9 })
  expect(await world.live.query(`SELECT id, at, cents, euros::text, tag FROM parts WHERE id = 20`)).toEqual([
    { id: 20, at: '2024-12-20', cents: 19, euros: '0.19000000000000000000', tag: 'none' },
  ])
  expect(await world.live.query(`SELECT is_called FROM parts_id_seq`)).toEqual([{ is_called: false }])
})

test('large values, keys that the sides order otherwise, and unique constraints that may be deferred', async () => {
  const world = await worlds.world(`
    CREATE TABLE t (a text, b int, big text, doc jsonb, slot int UNIQUE DEFERRABLE, PRIMARY KEY (a, b));
    INSERT INTO t SELECT 'a' || g % 7, g, (SELECT string_agg(md5(random()::text), E'\\t') FROM generate_series(1, 20000) WHERE g % 50 = 0),
                         jsonb_build_object('n', g, 'l', E'\\n'), g FROM generate_series(1, 200) g`)
  await world.copy.execute(
    'CREATE TABLE twin AS TABLE t; DROP TABLE t; ALTER TABLE twin RENAME TO t; ALTER TABLE t ADD PRIMARY KEY (a, b)',
  )
  const rows = await world.copy.query<{ insert: string }>(
    `SELECT format('INSERT INTO t VALUES (%L, %L, %L, %L, %L)', a, b, big, doc, slot) AS insert FROM t`,
  )
  await world.live.execute(`TRUNCATE t; ${rows.map(({ insert }) => insert).join(';')}`)
  await world.live.execute(
    `ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (b, a); DELETE FROM t WHERE b % 10 = 0; UPDATE t SET slot = 10 WHERE b = 1`,
  )
  const plan = await world.plan(['t'])
  expect(plan.tables[0]).toMatchObject({ rows: 20, changed: 1, key: ['a', 'b'], taken: [{ name: 't_slot_key', rows: 1 }] })
  // of texts only digests are told
  expect(plan.tables[0]?.sample.missing[0]?.[0]).toMatch(/^md5:/)
  const { tables } = await world.apply(plan)
  expect(tables[0]?.outcomes).toEqual({ brought: 19, altered: 0, reappeared: 0, refused: 1, orphan: 0 })
  expect(tables[0]?.sample[0]?.why).toMatch(/t_slot_key.*SQLSTATE 23505/)
  const but = '(SELECT b, a, big, doc, slot FROM t WHERE b NOT IN (1, 10))'
  expect(await contentOf(world.live, but)).toEqual(await contentOf(world.copy, but))
})

test('rows that the role may not see or write are no reason to bring back others; and what is asked wrongly is refused', async () => {
  const world = await worlds.world(`${ORDERS}; CREATE TABLE t (a int PRIMARY KEY)`)
  await world.live.execute('ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY')
  expect((await failureOf(world.plan(['orders']), 'DATABASE_REFUSED')).message).toContain('BYPASSRLS')
  const { live } = world.databases
  await world.live.execute(`ALTER TABLE orders NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY`)
  await world.live.execute(`CREATE ROLE reader LOGIN PASSWORD 'secret'; GRANT SELECT ON orders TO reader`)
  const asReader = { live: () => connect({ ...live.options, user: 'reader' }) }
  expect((await failureOf(world.plan(['orders'], asReader), 'ROWS_UNRECOVERABLE')).message).toContain('GRANT INSERT')
  const where = async (text: string) => (await failureOf(world.plan(['orders'], { where: text }), 'OPTION_INVALID')).message
  expect(await where('status =')).toContain('one expression')
  expect(await where('true) OR (true); DELETE FROM orders WHERE (true')).toContain('one expression')
  expect(await where('true), (false')).toContain('one expression')
  expect(await where('stat = 1')).toContain('SQLSTATE 42703')
  expect(await where('id')).toContain('--where cannot be asked')
  await failureOf(world.plan(['ordres']), 'OPTION_INVALID')
  await failureOf(world.plan(['orders', 't'], { where: 'true' }), 'OPTION_INVALID')
})

test('triggers are named and refused, and fire when that is meant; what they alter is told', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute(`
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
    CREATE TRIGGER touch BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.id = 5) EXECUTE FUNCTION touch();
    DELETE FROM orders WHERE id < 10`)
  const plan = await world.plan(['orders'])
  expect(plan.tables[0]?.triggers).toEqual(['touch'])
  expect((await failureOf(world.apply(plan), 'TRIGGERS_WOULD_FIRE')).facts).toMatchObject({ triggers: 'touch' })
  const meant = await world.plan(['orders'], { fireTriggers: true })
  expect(meant.digest).not.toBe(plan.digest)
  const { tables } = await world.apply(meant)
  expect(tables[0]?.outcomes).toMatchObject({ brought: 8, altered: 1 })
  expect(tables[0]?.sample).toEqual([{ outcome: 'altered', key: ['5'], why: null }])
})

test('tables that rows cannot be brought back to, whole and one by one, are refused by name', async () => {
  const made = (name: string, columns: string) => `CREATE TABLE ${name} (${columns})`
  const cases = [
    ['no_key', made('no_key', 'a int'), '', 'no primary key or unique index'],
    ['lost', made('lost', 'a int PRIMARY KEY, b int'), 'ALTER TABLE lost DROP b', 'has no column b'],
    [
      'retyped',
      made('retyped', 'a int PRIMARY KEY, b int'),
      'ALTER TABLE retyped ALTER b TYPE bigint',
      'b was integer and is bigint',
    ],
    ['demanding', made('demanding', 'a int PRIMARY KEY'), 'ALTER TABLE demanding ADD b int NOT NULL', 'column b has to be given'],
    ['gone', made('gone', 'a int PRIMARY KEY'), 'DROP TABLE gone', 'the live database has no such table'],
    ['ruled', made('ruled', 'a int PRIMARY KEY'), 'CREATE RULE r AS ON INSERT TO ruled DO INSTEAD NOTHING', 'the rule r'],
  ] as const
  const world = await worlds.world(cases.map(([, sql]) => sql).join(';'))
  for (const [, , then] of cases) await world.live.execute(then)
  for (const [table, , , why] of cases) {
    const { message, facts } = await failureOf(world.plan([table]), 'ROWS_UNRECOVERABLE')
    expect(message).toContain(why)
    expect(facts).toEqual({ table: `public.${table}` })
  }
})
