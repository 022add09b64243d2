/** The guard upon the tables of a database that follows: it turns away whoever writes there, hinders nothing that comes by replication, and means nothing upon a
 *  writer. */
import { schemaFingerprint } from '../../../postgres/inspect/fingerprint'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import {
  dropGuard,
  hasEventTriggers,
  prepareGuard,
  raiseGuard,
  raiseGuardAgain,
  setGuardAside,
  setGuardAsideApart,
  unguardedTables,
} from '../../../postgres/replicate/guard'
import { emptyTables, forgetOrigin, markFollowing, startReseeding } from '../../../postgres/replicate/seeding'
import { disableSubscription } from '../../../postgres/replicate/subscription'
import { copied, follow, type Pair, pairOf, type ReplicatingServer, sameRows, startReplicating, valuesOf } from './support'

const SCHEMA = `CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE "Odd ""one" (id int PRIMARY KEY); CREATE UNLOGGED TABLE scratch (n int);
  CREATE TABLE events (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10)`
const TABLES = ['public.orders', 'public."Odd ""one"', 'public.events']
const REFUSED = { sqlState: '25006' }

let server: ReplicatingServer
let both: Pair
beforeAll(async () => {
  server = await startReplicating(17)
  both = await pairOf(server, server, SCHEMA)
  const { standby } = both
  await standby.superuser.execute(`CREATE ROLE guest LOGIN PASSWORD 'secret'; GRANT guest TO master;
    CREATE TABLE theirs (n int); ALTER TABLE theirs OWNER TO guest; GRANT CREATE ON SCHEMA public TO guest`)
  await ensureControlSchema(standby.master)
})
afterAll(() => server?.server.stop())

const raised = () => raiseGuard(both.standby.master, {})
const rows = (sql: string) => valuesOf(both.standby.superuser, sql)

test('where nothing follows it refuses nothing, and a schema looks as it did', async () => {
  const { master, superuser } = both.standby
  expect(await raised()).toBeNull()
  const before = await schemaFingerprint(master)
  await prepareGuard(master, {})
  expect(await raised()).toEqual([])
  expect(await schemaFingerprint(master)).toBe(before)
  expect(await rows(`SELECT count(*)::int FROM pg_trigger WHERE tgname = 'capstan_follows' AND tgenabled = 'O'`)).toEqual([6])
  expect(await hasEventTriggers(master)).toBe(false)
  for (const session of [master, superuser]) await session.execute('INSERT INTO orders VALUES (1); DELETE FROM orders')
})

test('whoever writes into what follows is turned away, whatever he is, and what comes from the source is not', async () => {
  const { source, standby, names } = both
  await source.master.execute(`INSERT INTO orders VALUES (1, 'copied'); INSERT INTO events VALUES (1, 1)`)
  await follow(both, TABLES)
  await copied(both, 3)
  for (const sql of [
    'INSERT INTO orders VALUES (9)',
    `UPDATE orders SET note = 'x' WHERE false`,
    'DELETE FROM "Odd ""one"',
    'TRUNCATE orders',
    'INSERT INTO scratch VALUES (1)',
    'INSERT INTO events VALUES (9, 9)',
    'INSERT INTO events_1 VALUES (9, 9)',
    'MERGE INTO orders o USING (VALUES (9)) v(id) ON o.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (v.id)',
    'WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone',
    'BEGIN READ WRITE; DELETE FROM theirs; COMMIT',
  ]) {
    for (const session of [standby.master, standby.superuser]) {
      await expect(session.execute(sql)).rejects.toMatchObject(REFUSED)
      await session.execute('ROLLBACK')
    }
  }
  await source.master.execute(`UPDATE orders SET note = 'later'; INSERT INTO orders VALUES (2); INSERT INTO events VALUES (2, 2)`)
  await sameRows(both, 'SELECT id || coalesce(note, $$$$) FROM orders ORDER BY id')
  await sameRows(both, 'SELECT id FROM events ORDER BY id')
  await source.master.execute('TRUNCATE events')
  await sameRows(both, 'SELECT count(*) FROM events')
  // one that waits is meant still, once the database bears the mark
  await markFollowing(standby.master, { source: 'shop', operation: 'op-1' })
  await disableSubscription(standby.master, { name: names.subscription })
  await expect(standby.master.execute('DELETE FROM orders')).rejects.toMatchObject(REFUSED)
})

test('what we empty ourselves is emptied, and nothing else', async () => {
  const { master } = both.standby
  await startReseeding(master, { source: 'shop', operation: 'op-2', tables: ['public.orders'] })
  await emptyTables(master, { source: 'shop', tables: ['public.orders'] })
  expect(await rows('SELECT count(*)::int FROM orders')).toEqual([0])
  await expect(master.execute('DELETE FROM orders')).rejects.toMatchObject(REFUSED)
})

test('a table that was made since is told, and one whose lock is not to be had is passed over', async () => {
  const { master, superuser } = both.standby
  await master.execute('CREATE TABLE later (n int); CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20)')
  expect(await unguardedTables(master)).toEqual(['public.events_2', 'public.later'])
  await superuser.execute('BEGIN; LOCK TABLE later IN SHARE UPDATE EXCLUSIVE MODE')
  expect(await raised()).toEqual(['public.later'])
  await superuser.execute('COMMIT')
  expect(await raised()).toEqual([])
})

test('of one that becomes the writer it is set aside, raised again where it was, and goes when the standby does', async () => {
  const { standby } = both
  const { master } = standby
  await forgetOrigin(master, { source: 'shop' })
  await master.execute('INSERT INTO orders VALUES (5)')
  await setGuardAside(master, {})
  expect((await unguardedTables(master))?.length).toBe(8)
  await raiseGuardAgain(master, {})
  expect(await unguardedTables(master)).toEqual([])
  await setGuardAsideApart(master, {})
  expect((await unguardedTables(master))?.length).toBe(8)
  await standby.superuser.execute('BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE')
  expect(await dropGuard(master, {})).toEqual(['public.orders'])
  await standby.superuser.execute('COMMIT')
  expect(await dropGuard(master, {})).toEqual([])
  expect(await rows(`SELECT count(*)::int FROM pg_trigger WHERE tgname = 'capstan_follows'`)).toEqual([0])
})
