/** Making a standby, keeping it, and taking it away, between masters that are no superusers. */
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { copyProgress, tableSizes } from '../../../postgres/replicate/copy-progress'
import { standbyNames } from '../../../postgres/replicate/names'
import { ensurePublication } from '../../../postgres/replicate/publication'
import { recopyTables } from '../../../postgres/replicate/recopy'
import { finishSeeding, startReseeding } from '../../../postgres/replicate/seeding'
import {
  disableSubscription,
  enableSubscription,
  ensureSubscription,
  refreshSubscription,
} from '../../../postgres/replicate/subscription'
import { removeStandby } from '../../../postgres/replicate/teardown'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import {
  copied,
  follow,
  type Pair,
  pairOf,
  type ReplicatingServer,
  remains,
  type Side,
  sameRows,
  startReplicating,
  valuesOf,
} from './support'

const SCHEMA = `CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE "Odd ""one" (id int PRIMARY KEY);
  CREATE TABLE events (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10); CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20)`
const TABLES = ['public.orders', 'public."Odd ""one"', 'public.events']

let servers: Record<15 | 17, ReplicatingServer>
beforeAll(async () => {
  const [fifteen, seventeen] = await Promise.all([startReplicating(15), startReplicating(17)])
  servers = { 15: fifteen, 17: seventeen }
})
afterAll(() => Promise.all(Object.values(servers ?? {}).map(({ server }) => server.stop())))

describe.each([15, 17] as const)('a standby of PostgreSQL 17 behind a source of %i', (major) => {
  const pair = () => pairOf(servers[major], servers[17], SCHEMA)

  test('has what was there and gets what is written, and a repeat makes nothing', async () => {
    const both = await pair()
    const { source, standby, names } = both
    await source.master.execute(
      `INSERT INTO orders SELECT g, 'before' FROM generate_series(1, 1000) g; INSERT INTO events SELECT g, g % 20 FROM generate_series(1, 40) g`,
    )
    const first = await follow(both, TABLES)
    expect(first).toMatchObject({
      published: { made: true },
      slot: { made: true, failover: major >= 17 },
      subscribed: { made: true, keepers: [] },
    })
    await copied(both, 3)
    await source.master.execute(
      `INSERT INTO "Odd ""one" VALUES (1); UPDATE orders SET note = 'after' WHERE id < 10; DELETE FROM orders WHERE id > 990; UPDATE events SET day = 15 WHERE id = 1`,
    )
    await sameRows(both, 'SELECT count(*) || sum(id)::text || count(*) FILTER (WHERE note = $$after$$) FROM orders')
    await sameRows(both, 'SELECT count(*) || sum(day)::text FROM events_2')
    const sizes = await tableSizes(source.master, TABLES)
    expect([...sizes.keys()]).toEqual(TABLES)
    const progress = await copyProgress(standby.master, { subscription: names.subscription, sizes })
    expect(progress).toEqual({
      tables: 3,
      ready: 3,
      copying: [],
      bytesDone: progress.bytesTotal,
      bytesTotal: progress.bytesTotal,
    })
    expect(progress.bytesTotal).toBeGreaterThan(30_000)

    const again = await follow(both, TABLES)
    expect(again).toMatchObject({
      published: { made: false, added: [], dropped: [] },
      slot: { made: false, failover: major >= 17 },
      subscribed: { made: false, oid: first.subscribed.oid },
    })
    await source.master.execute('INSERT INTO orders VALUES (5000, $$later$$)')
    await sameRows(both, 'SELECT note FROM orders WHERE id = 5000')

    expect(await removeStandby({ names, source: source.master, standby: standby.master })).toEqual({
      subscription: null,
      slots: [],
      publication: null,
    })
    expect([...(await remains(source)), ...(await remains(standby))]).toEqual([])
    await removeStandby({ names, source: source.master, standby: standby.master })
  })

  test('follows another list of tables once it is told', async () => {
    const both = await pair()
    const { source, standby, names } = both
    const { subscribed } = await follow(both, TABLES.slice(0, 1))
    await source.master.execute('INSERT INTO "Odd ""one" VALUES (1)')
    const { added, dropped } = await ensurePublication(source.master, {
      name: names.publication,
      tables: TABLES.slice(1, 2),
      viaPartitionRoot: false,
    })
    expect({ added, dropped }).toEqual({ added: ['public."Odd ""one"'], dropped: ['public.orders'] })
    await refreshSubscription(standby.master, { name: names.subscription, copyData: true })
    await copied(both, 1)
    expect(await valuesOf(standby.master, 'SELECT id FROM "Odd ""one"')).toEqual([1])
    expect(
      await valuesOf(
        standby.superuser,
        `SELECT srrelid::regclass::text FROM pg_subscription_rel WHERE srsubid = ${subscribed.oid}`,
      ),
    ).toEqual(['"Odd ""one"'])
    await removeStandby({ names, source: source.master, standby: standby.master })
  })

  test('is paused and resumed; the end of its connection does not switch it off', async () => {
    const both = await pair()
    const { source, standby, names } = both
    await follow(both, TABLES)
    await copied(both, 3)
    await disableSubscription(standby.master, { name: names.subscription })
    expect(await remains(standby)).not.toContain('worker logical replication apply worker')
    await source.master.execute('INSERT INTO orders VALUES (1, $$meanwhile$$)')
    await enableSubscription(standby.master, { name: names.subscription })
    await sameRows(both, 'SELECT note FROM orders')
    const [held] = await source.master.query<{ pid: number }>(
      'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1',
      [names.slot],
    )
    await source.master.query('SELECT pg_terminate_backend($1)', [held!.pid])
    await source.master.execute('INSERT INTO orders VALUES (2, $$again$$)')
    await sameRows(both, 'SELECT note FROM orders')
    await removeStandby({ names, source: source.master, standby: standby.master })
  })

  test('taken away while a table is copied, it leaves nothing: neither the copy’s own slot nor the worker', async () => {
    const both = await pair()
    const { source, standby, names } = both
    await copyingSlowly(both)
    const { copying } = await copyProgress(standby.master, {
      subscription: names.subscription,
      sizes: await tableSizes(source.master, TABLES),
    })
    // the others may not be over yet
    const orders = copying.find(({ table }) => table === 'public.orders')
    expect(orders).toEqual({ table: 'public.orders', bytesDone: expect.any(Number), bytesTotal: expect.any(Number) })
    expect(orders!.bytesDone).toBeGreaterThan(0)
    // its server cannot clear up by itself
    await standby.superuser.execute(`ALTER SUBSCRIPTION ${names.subscription} CONNECTION 'host=127.0.0.1 port=1 password=none'`)
    await removeStandby({ names, source: source.master, standby: standby.master })
    expect([...(await remains(source)), ...(await remains(standby))]).toEqual([])
  })

  if (major === 17) return

  test('is taken away with its source out of reach, and what stays there is named', async () => {
    const both = await pair()
    const { source, standby, names } = both
    await copyingSlowly(both)
    const left = await removeStandby({ names, source: null, standby: standby.master })
    expect(left).toMatchObject({ subscription: null, publication: names.publication })
    expect(await remains(standby)).toEqual([])
    expect(left.slots).toContain(names.slot)
    const there = await valuesOf(
      source.superuser,
      `SELECT slot_name FROM pg_replication_slots WHERE database = current_database()`,
    )
    expect(there.filter((slot) => !left.slots.includes(String(slot)))).toEqual([])
    await removeStandby({ names, source: source.master, standby: standby.master })
    expect(await remains(source)).toEqual([])
  })

  test('whose standby is out of reach leaves nothing on the source', async () => {
    const both = await pair()
    const { source, names } = both
    const { copyingSlots } = await copyingSlowly(both)
    await both.standby.superuser.execute(`ALTER SUBSCRIPTION ${names.subscription} DISABLE`)
    await both.standby.superuser.execute(`SELECT pg_terminate_backend(pid) FROM pg_stat_subscription WHERE pid IS NOT NULL`)
    const left = await removeStandby({ names, source: source.master, standby: null, copyingSlots })
    expect(left).toEqual({ subscription: names.subscription, slots: [], publication: null })
    await until('the source to hold nothing', async () => (await remains(source)).length === 0)
  })
})

/** The copy of `orders` takes as long as the test: a trigger of the standby’s sleeps for each row. */
async function copyingSlowly(both: Pair): Promise<{ copyingSlots: string }> {
  const { source, standby } = both
  await source.master.execute(`INSERT INTO orders SELECT g, repeat('x', 100) FROM generate_series(1, 500) g`)
  await standby.master.execute(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION slow(); ALTER TABLE orders ENABLE ALWAYS TRIGGER slow`)
  const { subscribed } = await follow(both, TABLES)
  await until('the copy', async () => {
    const rows = await standby.master.query(
      'SELECT FROM pg_stat_progress_copy WHERE datname = current_database() AND bytes_processed > 0',
    )
    return rows.length === 1
  })
  return subscribed
}

test('one table is copied anew while another goes on', async () => {
  const both = await pairOf(servers[15], servers[17], SCHEMA)
  const { source, standby, names } = both
  const mark = { source: 'shop', operation: 'replicate-shop-1' }
  await source.master.execute('INSERT INTO orders SELECT generate_series(1, 100)')
  await follow(both, TABLES)
  await copied(both, 3)
  await standby.superuser.execute(
    `SET session_replication_role = replica; DELETE FROM orders WHERE id < 50; INSERT INTO orders VALUES (-1); RESET session_replication_role`,
  )
  const recopy = () =>
    recopyTables({
      from: 'shop',
      names,
      tables: ['public.orders'],
      published: TABLES,
      viaPartitionRoot: true,
      source: source.master,
      subscriber: standby.master,
      owner: standby.master,
    })
  await failureOf(recopy(), 'DATABASE_REFUSED')
  await markAsFollowing(standby, mark)
  await startReseeding(standby.master, { ...mark, tables: ['public.orders'] })
  await recopy()
  await source.master.execute('INSERT INTO events VALUES (1, 1); INSERT INTO orders VALUES (101)')
  await recopy()
  await copied(both, 3)
  await finishSeeding(standby.master, mark)
  await sameRows(both, 'SELECT count(*) || $$ $$ || sum(id) FROM orders')
  await sameRows(both, 'SELECT count(*) FROM events')
  await removeStandby({ names, source: source.master, standby: standby.master })
  expect([...(await remains(source)), ...(await remains(standby))]).toEqual([])
})

test('a way back is made while the way there is used, and carries once it is enabled', async () => {
  const both = await pairOf(servers[17], servers[17], SCHEMA)
  const { source, standby, names } = both
  await follow(both, TABLES)
  await copied(both, 3)
  await standby.master.execute('GRANT SELECT ON ALL TABLES IN SCHEMA public TO follower')
  const back: Pair = {
    source: standby,
    standby: source,
    names: standbyNames({ source: 'shop-elsewhere', target: names.slot }),
    publisher: { ...both.publisher, database: standby.options.database },
  }
  const made = () => follow(back, TABLES, { copyData: false, origin: 'none', enabled: false })
  await made()
  await source.master.execute('INSERT INTO orders VALUES (1, $$there$$)')
  await made()
  await source.master.execute('INSERT INTO orders VALUES (2, $$there$$)')
  await sameRows(both, 'SELECT id FROM orders ORDER BY id')
  const [state] = await source.superuser.query(
    `SELECT s.subenabled AS enabled, (SELECT count(*)::int FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate = 'r') AS ready
       FROM pg_subscription s WHERE s.subname = $1`,
    [back.names.subscription],
  )
  expect(state).toEqual({ enabled: false, ready: 3 })
  await disableSubscription(standby.master, { name: names.subscription })
  await enableSubscription(source.master, { name: back.names.subscription })
  await standby.master.execute('INSERT INTO orders VALUES (3, $$back$$)')
  await sameRows(back, 'SELECT id FROM orders ORDER BY id')
  expect(await valuesOf(source.master, 'SELECT id FROM orders ORDER BY id')).toEqual([1, 2, 3])
  for (const one of [back, both])
    await removeStandby({ names: one.names, source: one.source.master, standby: one.standby.master })
  expect([...(await remains(source)), ...(await remains(standby))]).toEqual([])
})

test('a subscriber of 15 is no way back', async () => {
  const { source, standby, names, publisher } = await pairOf(servers[17], servers[15], SCHEMA)
  const input = {
    name: names.subscription,
    slot: names.slot,
    publication: names.publication,
    publisher,
    copyData: false,
    enabled: false,
  }
  const refused = await failureOf(ensureSubscription(standby.superuser, { ...input, origin: 'none' }), 'OPTION_INVALID')
  expect(refused.message).toContain('no way back')
  expect([...(await remains(source)), ...(await remains(standby))]).toEqual([])
})

test('rows are written with the rights of the table’s owner, and not with the subscriber’s', async () => {
  const both = await pairOf(servers[15], servers[17], 'CREATE TABLE orders (id int PRIMARY KEY, by text)')
  const { source, standby, names } = both
  await standby.superuser.execute(
    'CREATE ROLE owning; GRANT owning TO master; GRANT CREATE, USAGE ON SCHEMA public TO owning; ALTER TABLE orders OWNER TO owning',
  )
  await standby.master.execute(`CREATE FUNCTION own_code() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.by := current_user; RETURN NEW; END';
    CREATE TRIGGER own_code BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION own_code(); ALTER TABLE orders ENABLE ALWAYS TRIGGER own_code`)
  await source.master.execute('INSERT INTO orders VALUES (1)')
  await follow(both, ['public.orders'])
  await copied(both, 1)
  await source.master.execute('INSERT INTO orders VALUES (2)')
  await until('both rows', async () => (await valuesOf(standby.master, 'SELECT by FROM orders')).length === 2)
  expect(await valuesOf(standby.master, 'SELECT by FROM orders')).toEqual(['owning', 'owning'])
  // who may not become the owner gets nothing until he may
  await standby.superuser.execute('REVOKE owning FROM master')
  await source.master.execute('INSERT INTO orders VALUES (3)')
  await until('an error', async () => {
    const [row] = await standby.superuser.query<{ errors: number }>(
      'SELECT apply_error_count AS errors FROM pg_stat_subscription_stats WHERE subname = $1',
      [names.subscription],
    )
    return (row?.errors ?? 0) > 0
  })
  expect(await valuesOf(standby.superuser, 'SELECT count(*)::int FROM orders')).toEqual([2])
  await standby.superuser.execute('GRANT owning TO master')
  await until('the third row', async () => (await valuesOf(standby.master, 'SELECT by FROM orders')).length === 3)
  await removeStandby({ names, source: source.master, standby: standby.master })
})

/** As if it had been filled by an operation before. */
async function markAsFollowing({ master }: Side, { source, operation }: { source: string; operation: string }): Promise<void> {
  await ensureControlSchema(master)
  await master.query(`INSERT INTO capstan.standby_origin (source, operation, state) VALUES ($1, $2, 'following')`, [
    source,
    operation,
  ])
}
