/** A standby that stands, while rows of it are given up or it is let go on: what is refused before anything is changed, and what was logged before. */
import { scramVerifier } from '../../../postgres/connect/scram-verifier'
import { connect } from '../../../postgres/connect/session'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { refuseAnonymous, refuseReferred, refuseUnreadable, refuseWriters } from '../../../postgres/replicate/before-seeding'
import { recopyTables } from '../../../postgres/replicate/recopy'
import { startReseeding } from '../../../postgres/replicate/seeding'
import { disableSubscription, renewSubscription } from '../../../postgres/replicate/subscription'
import { removeStandby } from '../../../postgres/replicate/teardown'
import { lookAtSource } from '../../../postgres/replicate/watch/look'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import {
  copied,
  FOLLOWER_PASSWORD,
  follow,
  type Pair,
  pairOf,
  type ReplicatingServer,
  sameRows,
  startReplicating,
  valuesOf,
} from './support'

const SCHEMA = `CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE lines (id int PRIMARY KEY, of int REFERENCES orders);
  CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE keyless (n int);
  CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts (PRIMARY KEY (id)) FOR VALUES FROM (0) TO (10);
  CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
  CREATE TABLE days (id int PRIMARY KEY, before int REFERENCES days) PARTITION BY RANGE (id); CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10)`
const TABLES = ['public.orders', 'public.lines', 'public.other']

let server: ReplicatingServer
beforeAll(async () => {
  server = await startReplicating(17)
})
afterAll(() => server?.server.stop())

const MARK = { source: 'shop', operation: 'replicate-shop-1' }

async function following(): Promise<Pair> {
  const both = await pairOf(server, server, SCHEMA)
  await follow(both, TABLES)
  await copied(both, TABLES.length)
  await ensureControlSchema(both.standby.master)
  const mark = `INSERT INTO capstan.standby_origin (source, operation, state) VALUES ($1, $2, 'following')`
  await both.standby.master.query(mark, [MARK.source, MARK.operation])
  return both
}

function recopy({ names, source, standby }: Pair, table: string): Promise<void> {
  return recopyTables({
    ...{ from: MARK.source, names, tables: [table], published: TABLES, viaPartitionRoot: true },
    ...{ source: source.master, subscriber: standby.master, owner: standby.master },
  })
}

const takenAway = ({ names, source, standby }: Pair) => removeStandby({ names, source: source.master, standby: standby.master })

test('what was logged before a table was emptied is not written into it: it is in the copy', async () => {
  const both = await following()
  const { source, standby } = both
  // the worker has had the table in its hands
  await source.master.execute(`INSERT INTO lines VALUES (1, NULL)`)
  await sameRows(both, 'SELECT id FROM lines')
  const keeper = await connect(standby.options)
  await keeper.execute('BEGIN; LOCK TABLE other IN SHARE MODE')
  await source.master.execute(
    `INSERT INTO other VALUES (1); INSERT INTO lines VALUES (2, NULL); UPDATE lines SET id = 3 WHERE id = 1`,
  )
  await startReseeding(standby.master, { ...MARK, tables: ['public.lines'] })
  await recopy(both, 'public.lines')
  await keeper.close()
  await copied(both, TABLES.length)
  await source.master.execute('INSERT INTO lines VALUES (4, NULL)')
  await sameRows(both, 'SELECT id FROM lines ORDER BY id')
  const errors = 'SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats WHERE subname = $$'
  expect(await valuesOf(standby.superuser, `${errors}${both.names.subscription}$$`)).toEqual([0])
  await takenAway(both)
})

test('a table that another one refers to is refused while it is still published', async () => {
  const both = await following()
  const { source, standby, names } = both
  await startReseeding(standby.master, { ...MARK, tables: ['public.orders'] })
  const refused = await failureOf(recopy(both, 'public.orders'), 'DATABASE_REFUSED')
  expect(refused.message).toContain('lines refers to orders')
  const published = `SELECT tablename FROM pg_publication_tables WHERE pubname = '${names.publication}' ORDER BY 1`
  expect(await valuesOf(source.master, published)).toEqual(['lines', 'orders', 'other'])
  await source.master.execute(`INSERT INTO orders VALUES (1, 'still')`)
  await sameRows(both, 'SELECT note FROM orders')
  await refuseReferred(standby.master, ['public.orders', 'public.lines', 'public.days'])
  await takenAway(both)
})

test('what would stop the applications of the source is not published', async () => {
  const { source } = await pairOf(server, server, SCHEMA)
  await refuseAnonymous(source.master, [...TABLES, 'public.days'])
  const refused = await failureOf(refuseAnonymous(source.master, ['public.keyless', 'public.orders']), 'DATABASE_REFUSED')
  expect(refused.message).toContain('(keyless)')
  expect((await failureOf(refuseAnonymous(source.master, ['public.parts']), 'DATABASE_REFUSED')).message).toContain('parts_2)')
})

test('a table that was made since is not copied before who follows may read it whole', async () => {
  const { source } = await pairOf(server, server, SCHEMA)
  const asked = () => refuseUnreadable(source.master, ['public.orders', 'public.since'], 'follower')
  await refuseUnreadable(source.master, [...TABLES, 'public.days'], 'follower')
  await source.master.execute('CREATE TABLE since (id int PRIMARY KEY)')
  expect((await failureOf(asked(), 'DATABASE_REFUSED')).message).toContain('(since)')
  await source.master.execute('GRANT SELECT ON since TO follower')
  await asked()
  await source.master.execute(
    'ALTER TABLE since ENABLE ROW LEVEL SECURITY; CREATE POLICY part ON since FOR SELECT TO follower USING (id > 1)',
  )
  expect((await failureOf(asked(), 'DATABASE_REFUSED')).message).toContain('(since)')
  await source.master.execute('CREATE POLICY whole ON since FOR SELECT TO follower USING (true)')
  await asked()
})

test('a standby in which others may write is left alone; who only reads is not asked', async () => {
  const { standby } = await pairOf(server, server, SCHEMA)
  const own = [standby.options.user]
  await refuseWriters(standby.master, own)
  const inside = await connect({ ...standby.options, user: 'follower', password: FOLLOWER_PASSWORD })
  await standby.master.execute('GRANT SELECT ON ALL TABLES IN SCHEMA public TO follower')
  await refuseWriters(standby.master, own)
  await standby.master.execute('GRANT INSERT ON other TO follower')
  const refused = await failureOf(refuseWriters(standby.master, own), 'DATABASE_REFUSED')
  expect(refused.message).toContain('(follower: 1)')
  await inside.close()
  await until('the end of it', () =>
    refuseWriters(standby.master, own).then(
      () => true,
      () => false,
    ),
  )
})

test('it goes on by the password that is declared now', async () => {
  const both = await following()
  const { source, standby, names, publisher } = both
  await disableSubscription(standby.master, { name: names.subscription })
  const password = 'another one'
  await source.superuser.execute(`ALTER ROLE follower PASSWORD '${scramVerifier(password)}'`)
  try {
    await source.master.execute(`INSERT INTO orders VALUES (1, 'later')`)
    await renewSubscription(standby.master, { ...given(names), publisher: { ...publisher, password } })
    await sameRows(both, 'SELECT note FROM orders')
    await takenAway(both)
    await failureOf(renewSubscription(standby.master, { ...given(names), publisher }), 'DATABASE_REFUSED')
  } finally {
    await source.superuser.execute(`ALTER ROLE follower PASSWORD '${scramVerifier(FOLLOWER_PASSWORD)}'`)
  }
})

const given = ({ subscription: name, slot, publication }: Pair['names']) => ({ name, slot, publication })

test('a slot by which a table is copied is seen without the one that follows', async () => {
  const { source, names } = await pairOf(server, server, SCHEMA)
  const name = 'pg_7_sync_8_9'
  await source.master.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [name])
  const look = () => lookAtSource(source.master, { ...names, copySlots: '^pg_7_sync_[0-9]+_9$' })
  expect((await look()).side).toMatchObject({ slot: null, strayCopySlots: { count: 1, retainedBytes: expect.any(Number) } })
  await source.master.query('SELECT pg_drop_replication_slot($1)', [name])
  expect((await look()).side).not.toHaveProperty('strayCopySlots')
})
