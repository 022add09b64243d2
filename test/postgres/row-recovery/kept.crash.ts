/** A plan whose rows are kept by key in the copy: just these come back, however the live database goes on between the look and the writing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../../postgres/connect/session'
import { contentOf, ORDERS, openWorlds, type World, type Worlds } from './support'

let worlds: Worlds
beforeAll(async () => {
  worlds = await openWorlds()
})
afterAll(() => worlds?.stop())

const ids = async ({ live }: World, where = 'true') =>
  (await live.query<{ id: number }>(`SELECT id::int AS id FROM orders WHERE ${where} ORDER BY id`)).map(({ id }) => id)
const staged = async ({ live }: World) =>
  (
    await live.query(
      `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'capstan' AND relname LIKE 'rows%'`,
    )
  ).length

test('what was deleted since stays deleted, and what is there again stays as it is and is named', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id <= 10')
  const plan = await world.plan(['orders'], { keep: true })
  await world.live.execute(`DELETE FROM orders WHERE id BETWEEN 11 AND 20; INSERT INTO orders VALUES (3, 1, 'again', NULL)`)
  const { tables } = await world.apply(plan)
  expect(tables[0]).toMatchObject({
    rows: 10,
    outcomes: { brought: 9, reappeared: 1, altered: 0, refused: 0, orphan: 0 },
    sample: [{ outcome: 'reappeared', key: ['3'] }],
  })
  expect(await ids(world, 'id <= 21')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21])
  expect(await world.live.query('SELECT status FROM orders WHERE id = 3')).toEqual([{ status: 'again' }])
})

test('a writer that never stops deleting keeps no plan from being carried out at once', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id > 800')
  const writer = await world.databases.live.connect()
  let over = false
  let deleted = 0
  const deleting = (async () => {
    for (let id = 1; !over && id < 800; id += 1) {
      await writer.query('DELETE FROM orders WHERE id = $1', [id])
      deleted = id
      await sleep(1)
    }
  })()
  try {
    const plan = await world.plan(['orders'], { keep: true })
    const found = plan.tables[0]?.rows ?? 0
    const until = deleted
    while (deleted === until) await sleep(1)
    const { tables } = await world.apply(plan)
    expect([tables[0]?.outcomes.brought, found < 200 + 799]).toEqual([found, true])
    expect(await ids(world, 'id > 800')).toHaveLength(200)
  } finally {
    over = true
    await deleting
    await writer.close()
  }
})

test('rows that are gone with those that they refer to come back, each to its own table', async () => {
  const world = await worlds.world(`
    CREATE TABLE z_orders (id text PRIMARY KEY);
    INSERT INTO z_orders SELECT 'o' || g FROM generate_series(1, 6000) g;
    CREATE TABLE items (of_order text REFERENCES z_orders ON DELETE CASCADE, n int, PRIMARY KEY (n, of_order));
    INSERT INTO items SELECT 'o' || g, m FROM generate_series(1, 6000) g, generate_series(1, 2) m`)
  await world.live.execute(`DELETE FROM z_orders WHERE id <> 'o1'`)
  const plan = await world.plan(['z_orders', 'items'], { keep: true })
  await world.live.execute(`DELETE FROM z_orders WHERE id = 'o1'`)
  const { tables } = await world.apply(plan)
  expect(tables.map(({ table, outcomes }) => [table, outcomes.brought])).toEqual([
    ['public.z_orders', 5_999],
    ['public.items', 11_998],
  ])
  for (const table of ['z_orders', 'items']) {
    const [copy, live] = [await contentOf(world.copy, table), await contentOf(world.live, table)]
    expect(live).toEqual(copy.filter(({ row }) => !/\bo1\b/.test(row)))
  }
})

test.each([
  ['a table that has another column', 'ALTER TABLE orders ADD later int DEFAULT 1', 'PLAN_DRIFTED'],
  [
    'a trigger that nobody approved',
    'CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'PLAN_DRIFTED',
  ],
])('%s stops it before anything is staged', async (_what, sql, code) => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id <= 10')
  const plan = await world.plan(['orders'], { keep: true })
  await world.live.execute(sql)
  await expect(world.apply(plan)).rejects.toThrow(expect.objectContaining({ code }))
  expect([await staged(world), await ids(world, 'id <= 10')]).toEqual([0, []])
})

test('the same rows lost twice are another plan: one that was made before the first came back is stopped', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id <= 10')
  const [first, second] = [
    await world.plan(['orders'], { keep: true }),
    await world.plan(['orders'], { keep: true, where: 'id < 6' }),
  ]
  await world.apply(first)
  await world.live.execute('DELETE FROM orders WHERE id <= 10')
  await expect(world.apply(second)).rejects.toThrow(expect.objectContaining({ code: 'PLAN_DRIFTED' }))
  expect(await ids(world, 'id <= 10')).toEqual([])
})

test.each([
  ['lacks a row', 'DELETE FROM %s WHERE n = 1'],
  ['names another row', `UPDATE %s SET key = '{500}' WHERE n = 1`],
])('a kept set that %s brings nothing back', async (_what, spoil) => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id <= 10')
  const plan = await world.plan(['orders'], { keep: true })
  await world.copy.execute(spoil.replace('%s', plan.kept ?? ''))
  await expect(world.apply(plan)).rejects.toThrow(expect.objectContaining({ code: 'ROWS_UNRECOVERABLE' }))
  expect(await ids(world, 'id <= 10')).toEqual([])
})

test('a look that fails says that it looked, and leaves no keys in the copy', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id <= 10')
  const onProgress = ({ phase }: { phase: string }) => {
    throw new Error(`failed while ${phase}`)
  }
  await expect(world.plan(['orders'], { keep: true, onProgress })).rejects.toThrow('failed while looking')
  expect(await world.copy.query(`SELECT relname FROM pg_class WHERE relname LIKE 'kept%' AND relkind = 'r'`)).toEqual([])
})

test('where the schema of that name is not the role’s, a schema beside it has the keys; where none may be made, it is refused in plain words', async () => {
  const world = await worlds.world(ORDERS)
  await world.live.execute('DELETE FROM orders WHERE id <= 10')
  const admin = await world.databases.copy.connectAsSuperuser()
  const role = `reads_${process.pid}`
  const { database } = world.databases.copy.options
  await admin.execute(`
    CREATE SCHEMA capstan;
    CREATE ROLE ${role} LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data; REVOKE CREATE ON DATABASE "${database}" FROM PUBLIC`)
  const copy = () => connect({ ...world.databases.copy.options, user: role, password: 'secret' })
  await expect(world.plan(['orders'], { keep: true, copy })).rejects.toThrow(
    expect.objectContaining({ code: 'DATABASE_REFUSED', message: expect.stringContaining('needs CREATE on the database') }),
  )
  await admin.execute(`GRANT CREATE ON DATABASE "${database}" TO ${role}`)
  const plan = await world.plan(['orders'], { keep: true, copy })
  expect(plan.kept).toMatch(/^capstan_kept\./)
  expect((await world.apply(plan, { copy })).tables[0]?.outcomes.brought).toBe(10)
  await admin.close()
})
