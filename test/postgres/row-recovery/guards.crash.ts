/** What stops rows from being brought back, and what never runs while they are. */
import { failureOf } from '../support/apply'
import { contentOf, cutOff, ORDERS, openWorlds, type Worlds } from './support'

let worlds: Worlds
beforeAll(async () => {
  worlds = await openWorlds()
})
afterAll(() => worlds?.stop())

test('what somebody made of the table while its rows were staged stops the run, until it is undone', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute(`
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
    CREATE TRIGGER touch BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch();
    ALTER TABLE orders DISABLE TRIGGER touch;
    DELETE FROM orders WHERE id < 700`)
  const plan = await world.plan(['orders'])
  await cutOff(world, plan)
  const drifts = [
    ['ALTER TABLE orders ADD more int NOT NULL', 'ALTER TABLE orders DROP more', 'column more has to be given'],
    ['ALTER TABLE orders RENAME note TO notes', 'ALTER TABLE orders RENAME notes TO note', 'it has no column note'],
    ['CREATE RULE r AS ON INSERT TO orders DO INSTEAD NOTHING', 'DROP RULE r ON orders', 'the rule r'],
    ['ALTER TABLE orders DROP CONSTRAINT orders_pkey', 'ALTER TABLE orders ADD PRIMARY KEY (id)', 'nothing keeps id unique'],
    [
      'ALTER TABLE orders ALTER note TYPE varchar(40)',
      'ALTER TABLE orders ALTER note TYPE text',
      'note was text and is character varying(40)',
    ],
  ] as const
  await world.live.execute('CREATE TABLE aside AS TABLE orders; DELETE FROM orders')
  for (const [done, undone, why] of drifts) {
    await world.live.execute(done)
    expect((await failureOf(world.apply(plan), 'PLAN_DRIFTED')).message).toContain(why)
    await world.live.execute(undone)
  }
  await world.live.execute('INSERT INTO orders SELECT * FROM aside; ALTER TABLE orders ENABLE TRIGGER touch')
  expect((await failureOf(world.apply(plan), 'TRIGGERS_WOULD_FIRE')).facts).toMatchObject({ triggers: 'touch' })
  await world.live.execute('ALTER TABLE orders DISABLE TRIGGER touch')
  expect((await world.apply(plan)).tables[0]?.outcomes.brought).toBe(699)
  expect(await contentOf(world.live, 'orders')).toEqual(await contentOf(world.copy, 'orders'))
})

test('a trigger that somebody makes while rows come back stops them before it has run for one that counts', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute(`
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
    DELETE FROM orders WHERE id < 700`)
  const plan = await world.plan(['orders'])
  const maker = await world.databases.live.connect()
  await maker.execute('BEGIN; LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE')
  const stopped = failureOf(world.apply(plan), 'TRIGGERS_WOULD_FIRE')
  // the run has looked at the table and begun to write
  for (let waits = false; !waits; ) {
    const [found] = await world.live.query<{ n: number }>(
      `SELECT count(*) AS n FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'RowExclusiveLock' AND NOT granted`,
    )
    waits = (found?.n ?? 0) > 0
  }
  await maker.execute('CREATE TRIGGER touch BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch(); COMMIT')
  expect((await stopped).facts).toMatchObject({ table: 'public.orders', triggers: 'touch' })
  expect(await world.live.query('SELECT FROM orders WHERE id < 700')).toEqual([])
  await maker.execute('DROP TRIGGER touch ON orders')
  await maker.close()
  expect((await world.apply(plan)).tables[0]?.outcomes.brought).toBe(699)
  expect(await contentOf(world.live, 'orders')).toEqual(await contentOf(world.copy, 'orders'))
})

test.each(['FOR ALL TABLES', 'FOR TABLES IN SCHEMA capstan'])(
  'a publication %s is named before anything is written',
  async (of) => {
    const world = await worlds.world(ORDERS)
    await world.live.execute(`DELETE FROM orders WHERE id < 10${of.endsWith('capstan') ? '; CREATE SCHEMA capstan' : ''}`)
    const admin = await world.databases.live.connectAsSuperuser()
    await admin.execute(`CREATE PUBLICATION everything ${of}`)
    const plan = await world.plan(['orders'])
    expect((await failureOf(world.apply(plan), 'ROWS_UNRECOVERABLE')).facts).toMatchObject({ publication: 'everything' })
    expect(await world.live.query(`SELECT FROM pg_class WHERE relnamespace = to_regnamespace('capstan')`)).toEqual([])
    expect((await world.apply(plan, { published: true })).tables[0]?.outcomes.brought).toBe(9)
  },
)

test('functions and operators that others left in the schemas of whoever logs in are never run', async () => {
  const world = await worlds.world(`
    CREATE TABLE up (a varchar PRIMARY KEY);
    CREATE TABLE t (a varchar, b int, up varchar REFERENCES up, PRIMARY KEY (a, b));
    INSERT INTO up VALUES ('u');
    INSERT INTO t SELECT 'a' || g, g, 'u' FROM generate_series(1, 20) g`)
  const spring = (args: string, result: string, answer: string) =>
    `(${args}) RETURNS ${result} LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.sprung VALUES ('${answer.replaceAll("'", '')}'); RETURN ${answer}; END $$`
  await world.live.execute(`
    CREATE TABLE sprung (what text);
    CREATE FUNCTION hash_record_extended${spring('record, int', 'bigint', '1')};
    CREATE FUNCTION int8send${spring('int', 'bytea', `'x'`)};
    CREATE FUNCTION format${spring('text, int', 'text', `'f'`)};
    CREATE FUNCTION format${spring('text, varchar', 'text', `'v'`)};
    CREATE FUNCTION same${spring('a varchar, b varchar', 'boolean', 'a::text OPERATOR(pg_catalog.=) b::text')};
    CREATE OPERATOR public.= (FUNCTION = same, LEFTARG = varchar, RIGHTARG = varchar);
    CREATE FUNCTION of${spring('jsonb, jsonb', 'jsonb', 'NULL::jsonb')};
    CREATE OPERATOR public.-> (FUNCTION = of, LEFTARG = jsonb, RIGHTARG = jsonb);
    DELETE FROM t WHERE b > 10`)
  const plan = await world.plan(['t'])
  await world.live.execute('ALTER TABLE t ADD CONSTRAINT small CHECK (b <> 12)')
  const { tables } = await world.apply(plan)
  expect(tables[0]?.outcomes).toEqual({ brought: 9, altered: 0, reappeared: 0, refused: 1, orphan: 0 })
  await world.plan(['t'])
  expect(await world.live.query('SELECT DISTINCT what FROM sprung')).toEqual([])
})
