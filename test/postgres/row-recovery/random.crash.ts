/** Rows of every built-in type come back as they were, from PostgreSQL 15 to 17; and whatever connection is ended at whatever moment, a run that is
 *  asked for again brings each row back once. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { Failure } from '../../../contracts/failures'
import { literal, TYPE_NAMES, TYPES_SQL } from '../verify/values'
import { contentOf, openWorlds, type World, type Worlds } from './support'

let worlds: Worlds
beforeAll(async () => {
  worlds = await openWorlds()
})
afterAll(() => worlds?.stop())

const KEYS = [
  { columns: 'id', sql: 'id bigint PRIMARY KEY', of: (n: number) => `${n * 4_294_967_296}` },
  { columns: 'id', sql: 'id text PRIMARY KEY', of: (n: number) => `E'k\\t${n % 7}\\\\\\n-${n}'` },
  {
    columns: 'm, at',
    sql: 'm mood, at timestamptz, PRIMARY KEY (at, m)',
    of: (n: number) => `'ok', '2024-01-01'::timestamptz + ${n} * interval '1 us'`,
  },
  { columns: 'id', sql: 'id double precision PRIMARY KEY', of: (n: number) => (n === 3 ? `'NaN'` : `${n} / 3.0::float8`) },
  {
    columns: 'id, b',
    sql: 'id bytea, b positive, PRIMARY KEY (id, b)',
    of: (n: number) => `decode(md5('${n}'), 'hex'), ${n}.500`,
  },
] as const

const tableArb = fc.record({
  key: fc.constantFrom(...KEYS),
  types: fc.array(fc.constantFrom(...TYPE_NAMES), { minLength: 1, maxLength: 8 }),
  rows: fc.array(fc.array(fc.nat({ max: 20 }), { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 30 }),
  gone: fc.integer({ min: 2, max: 5 }),
  keep: fc.boolean(),
})

test('rows of any type come back as they were', async () => {
  const world = await worlds.world(TYPES_SQL)
  await fc.assert(
    fc.asyncProperty(tableArb, async ({ key, types, rows, gone, keep }) => {
      const columns = types.map((_, at) => `c${at}`)
      const made = types.map((type, at) => `c${at} ${type}`)
      const texts = rows.map(
        (values, n) => `(${n}, ${key.of(n)}, ${types.map((type, at) => literal(type, values[at] ?? 0)).join(', ')})`,
      )
      const insert = `INSERT INTO r (number, ${key.columns}, ${columns.join(', ')}) VALUES ${texts.join(', ')}`
      await world.copy.execute(`CREATE TABLE r (number int, ${key.sql}, ${made.join(', ')}); ${insert}`)
      await world.live.execute(`CREATE TABLE r (number int, ${made.toReversed().join(', ')}, ${key.sql}); ${insert}`)
      await world.live.execute(`DELETE FROM r WHERE number % ${gone} = 0`)
      const lost = rows.filter((_, n) => n % gone === 0).length
      const plan = await world.plan(['r'], { keep })
      expect(plan.tables[0]).toMatchObject({ rows: lost, changed: 0 })
      const { tables } = await world.apply(plan)
      expect(tables[0]?.outcomes).toEqual({ brought: lost, altered: 0, reappeared: 0, refused: 0, orphan: 0 })
      const inOrder = `(SELECT number, ${key.columns}, ${columns.join(', ')} FROM r)`
      expect(await contentOf(world.live, inOrder)).toEqual(await contentOf(world.copy, inOrder))
      for (const session of [world.copy, world.live]) await session.execute('DROP TABLE r')
    }),
    { numRuns: 25 },
  )
})

/** Ends connections of the run, to either side, until it is told to stop. Resolves to how many. */
async function endingConnections({ databases }: World, random: () => number, over: () => boolean): Promise<number> {
  const admins = [await databases.copy.connectAsSuperuser(), await databases.live.connectAsSuperuser()]
  let ended = 0
  while (!over()) {
    await new Promise((resolve) => setTimeout(resolve, 20 + random() * 400))
    const admin = admins[random() < 0.3 ? 0 : 1]
    const rows =
      (await admin?.query(
        `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE '%recovering' ORDER BY random() LIMIT 1) AS one`,
      )) ?? []
    ended += rows.length
  }
  return ended
}

/** Orders with their items, most of them lost; what is inserted is written down. */
async function lostOrders(): Promise<World> {
  const world = await worlds.world(`
    CREATE TABLE orders (id int PRIMARY KEY, note text);
    INSERT INTO orders SELECT g, 'n' || g FROM generate_series(1, 6000) g;
    CREATE TABLE items (id int PRIMARY KEY, of_order int NOT NULL REFERENCES orders ON DELETE CASCADE);
    INSERT INTO items SELECT g, 1 + g % 6000 FROM generate_series(1, 9000) g`)
  await world.live.execute(`
    CREATE TABLE journal (entry text, id int);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO journal VALUES (TG_TABLE_NAME, NEW.id); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER note AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION note();
    DELETE FROM orders WHERE id > 500`)
  return world
}

async function expectOnce(world: World): Promise<void> {
  for (const table of ['orders', 'items']) expect(await contentOf(world.live, table)).toEqual(await contentOf(world.copy, table))
  expect(await world.live.query('SELECT count(*)::int AS all, count(DISTINCT (entry, id))::int AS once FROM journal')).toEqual([
    { all: 13_501, once: 13_501 },
  ])
}

test('whatever connection is ended whenever, each row comes back once', async () => {
  const world = await lostOrders()
  const plan = await world.plan(['orders', 'items'], { fireTriggers: true })
  const seed = Number(process.env.CAPSTAN_RECOVERY_SEED ?? Date.now() % 100_000)
  let state = seed
  const random = () => {
    state = (state * 48_271 + 11) % 2_147_483_647
    return state / 2_147_483_647
  }
  let over = false
  const ending = endingConnections(world, random, () => over)
  let cut = 0
  try {
    for (;;) {
      // the last runs are left alone
      if (cut >= 12) over = true
      try {
        const { tables } = await world.apply(plan)
        expect([seed, tables.map(({ outcomes }) => outcomes.brought)]).toEqual([seed, [5_500, 8_001]])
        break
      } catch (error) {
        if (
          !(error instanceof Failure) ||
          !['CONNECTION_LOST', 'DATABASE_UNREACHABLE', 'MIGRATION_LOCK_HELD'].includes(error.code)
        )
          throw error
        cut += 1
      }
    }
  } finally {
    over = true
    await ending
  }
  expect([seed, cut > 0]).toEqual([seed, true])
  await expectOnce(world)
})

const MAIN = join(__dirname, '../../../dist/client/cli/main.js')

/** Asks for it as somebody types it. Resolves to how it ended: by itself, or killed without a word once `strike` says so. */
async function recover(
  world: World,
  say: readonly string[],
  strike: () => Promise<boolean>,
): Promise<number | NodeJS.Signals | null> {
  const url = ({ options: { user, host, port, database } }: World['databases']['copy']) =>
    `postgres://${user}@${host}:${port}/${database}`
  const { copy, live } = world.databases
  const tables = ['--table', 'orders', '--table', 'items', '--fire-triggers', '--json', ...say]
  const child = spawn(process.execPath, [MAIN, 'recover', 'rows', '--from', url(copy), '--into', url(live), ...tables], {
    env: { ...process.env, PGPASSWORD: copy.options.password },
    stdio: 'ignore',
  })
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code)),
  )
  let over = false
  void ended.then(() => {
    over = true
  })
  while (!over && !(await strike())) await new Promise((resolve) => setTimeout(resolve, 5))
  if (!over) child.kill('SIGKILL')
  return ended
}

/** Before the set is whole: at one of its last rows the server sleeps, once the rows before it are staged. */
async function sleepAtLast(world: World): Promise<{ readonly there: () => Promise<boolean>; wake(): Promise<void> }> {
  const admin = await world.databases.live.connectAsSuperuser()
  await admin.execute(`
    CREATE FUNCTION public.sleeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_sleep(600); RETURN NEW; END $$;
    CREATE FUNCTION public.makes_sleepy() RETURNS event_trigger LANGUAGE plpgsql AS $$
    DECLARE made text;
    BEGIN
      FOR made IN SELECT object_identity FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE object_identity LIKE 'capstan.rows%' AND object_type = 'table'
      LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER sleeps BEFORE INSERT ON %s FOR EACH ROW WHEN (NEW.id = 6000) EXECUTE FUNCTION public.sleeps()', made);
      END LOOP;
    END $$;
    CREATE EVENT TRIGGER makes_sleepy ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.makes_sleepy()`)
  const asleep = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`
  return {
    there: async () => (await admin.query(`SELECT ${asleep}`)).length > 0,
    async wake() {
      await admin.query(`SELECT pg_terminate_backend(pid) ${asleep}`)
      await admin.execute('DROP EVENT TRIGGER makes_sleepy')
      await admin.close()
    },
  }
}

test('killed while it stages and while it writes, the same plan brings each row back once', async () => {
  const world = await lostOrders()
  const asleep = await sleepAtLast(world)
  expect(await recover(world, ['--yes'], asleep.there)).toBe('SIGKILL')
  await asleep.wake()
  const [left] = await world.live.query<{ digest: string; state: string }>('SELECT digest, state FROM capstan.row_recovery')
  expect(left?.state).toBe('staging')
  const staged = `SELECT count(*)::int AS rows FROM capstan."rows_${left?.digest.slice(0, 16)}_1"`
  const [{ rows } = { rows: 0 }] = await world.live.query<{ rows: number }>(staged)
  expect([rows > 0, rows < 5_500]).toEqual([true, true])
  expect(await world.live.query('SELECT FROM journal')).toEqual([])

  const writing = async () => (await world.live.query('SELECT FROM journal LIMIT 1')).length > 0
  expect(await recover(world, ['--yes'], writing)).toBe('SIGKILL')
  const [journal] = await world.live.query<{ rows: number }>('SELECT count(*)::int AS rows FROM journal')
  expect(journal?.rows).toBeLessThan(13_501)
  expect(await recover(world, ['--yes'], async () => false)).toBe(3)
  const [begun] = await world.live.query<{ digest: string }>('SELECT digest FROM capstan.row_recovery')
  expect(await recover(world, ['--digest', begun?.digest ?? ''], async () => false)).toBe(0)
  await expectOnce(world)
})
