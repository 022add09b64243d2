import { connect } from '../../../postgres/connect/session'
import { raiseFence } from '../../../postgres/migrate/fence'
import { dropPublication, ensurePublication } from '../../../postgres/replicate/publication'
import { dropSlot, ensureSlot } from '../../../postgres/replicate/slot'
import {
  disableSubscription,
  enableSubscription,
  ensureSubscription,
  refreshSubscription,
} from '../../../postgres/replicate/subscription'
import { removeStandby } from '../../../postgres/replicate/teardown'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import { copied, follow, type Pair, pairOf, type ReplicatingServer, remains, startReplicating, valuesOf } from './support'

const SCHEMA = `CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE "Odd ""one" (id int PRIMARY KEY);
  CREATE TABLE events (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10); CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20)`
const TABLES = ['public.orders', 'public."Odd ""one"', 'public.events']

let servers: Record<15 | 17, ReplicatingServer>
let both: Pair
beforeAll(async () => {
  const [fifteen, seventeen] = await Promise.all([startReplicating(15), startReplicating(17)])
  servers = { 15: fifteen, 17: seventeen }
  both = await pairOf(seventeen, seventeen, SCHEMA)
})
afterAll(() => Promise.all(Object.values(servers ?? {}).map(({ server }) => server.stop())))

test('a publication of part of a table, or of all, is refused', async () => {
  const { source, names } = both
  const ensure = () => ensurePublication(source.master, { name: names.publication, tables: TABLES, viaPartitionRoot: true })
  await source.master.execute(`CREATE PUBLICATION ${names.publication} FOR TABLE orders WHERE (id > 5)`)
  await failureOf(ensure(), 'RESOURCE_NOT_OURS')
  await source.master.execute(`DROP PUBLICATION ${names.publication}`)
  await source.superuser.execute(`CREATE PUBLICATION ${names.publication} FOR ALL TABLES`)
  await failureOf(ensure(), 'RESOURCE_NOT_OURS')
  await source.superuser.execute(`DROP PUBLICATION ${names.publication}`)
  // one of fewer kinds of change is made whole
  await source.master.execute(`CREATE PUBLICATION ${names.publication} FOR TABLE orders WITH (publish = 'insert')`)
  await ensure()
  expect(
    await valuesOf(source.master, `SELECT pubupdate AND pubdelete AND pubtruncate AND pubviaroot FROM pg_publication`),
  ).toEqual([true])
  await dropPublication(source.master, { name: names.publication })
})

test('a list with what is no table, or no name, publishes nothing', async () => {
  const { source, names } = both
  const ensure = (tables: string[]) =>
    ensurePublication(source.master, { name: names.publication, tables, viaPartitionRoot: true })
  await failureOf(ensure(['public.orders', 'public.nobody']), 'DATABASE_REFUSED')
  await failureOf(ensure(['orders']), 'DATABASE_REFUSED')
  await failureOf(ensure(['public.orders; DROP TABLE orders']), 'OPTION_INVALID')
  expect(await remains(source)).toEqual([])
})

test('a slot of another kind or database is neither taken over nor dropped', async () => {
  const { source, standby } = both
  await source.master.query(`SELECT pg_create_physical_replication_slot('cap_physical')`)
  await source.master.query(`SELECT pg_create_logical_replication_slot('cap_other_plugin', 'test_decoding')`)
  await standby.master.query(`SELECT pg_create_logical_replication_slot('cap_other_database', 'pgoutput')`)
  for (const name of ['cap_physical', 'cap_other_plugin', 'cap_other_database']) {
    await failureOf(ensureSlot(source.master, { name }), 'RESOURCE_NOT_OURS')
    await failureOf(dropSlot(source.master, { name }), 'RESOURCE_NOT_OURS')
    await source.superuser.query('SELECT pg_drop_replication_slot($1)', [name])
  }
  await dropSlot(source.master, { name: 'cap_never_was' })
})

test('a slot that somebody reads from is dropped once he is ended', async () => {
  const { source, standby, names } = both
  await follow(both, TABLES)
  await copied(both, 3)
  await disableLater(standby.master, names.subscription)
  await dropSlot(source.master, { name: names.slot })
  expect(await remains(source)).toEqual([`publication ${names.publication}`])
  await removeStandby({ names, source: source.master, standby: standby.master })
})

test('a subscription to something else is refused', async () => {
  const { source, standby, names, publisher } = both
  await standby.master.execute(
    `CREATE SUBSCRIPTION ${names.subscription} CONNECTION 'host=127.0.0.1 password=x' PUBLICATION other WITH (connect = false, slot_name = 'other')`,
  )
  const input = {
    name: names.subscription,
    slot: names.slot,
    publication: names.publication,
    publisher,
    copyData: true,
    origin: 'any',
    enabled: true,
  } as const
  const refused = await failureOf(ensureSubscription(standby.master, input), 'RESOURCE_NOT_OURS')
  expect(refused.message).toContain('it reads the slot other and other')
  await removeStandby({ names, source: source.master, standby: standby.master })
  expect(await remains(standby)).toEqual([])
})

test('an attempt that was overtaken makes, changes and removes nothing', async () => {
  const { source, standby, names, publisher } = await pairOf(servers[15], servers[17], SCHEMA)
  for (const { master } of [source, standby]) await raiseFence(master, { epoch: 7, attempt: 2, operation: 'replicate-shop-1' })
  const input = { name: names.slot, token: { epoch: 7, attempt: 1 } }
  const subscription = {
    slot: names.slot,
    publication: names.publication,
    publisher,
    copyData: true,
    origin: 'any',
    enabled: true,
  } as const
  const acts = [
    () => ensurePublication(source.master, { ...input, tables: TABLES, viaPartitionRoot: true }),
    () => ensureSlot(source.master, input),
    () => ensureSubscription(standby.master, { ...input, ...subscription }),
    () => refreshSubscription(standby.master, { ...input, copyData: true }),
    () => enableSubscription(standby.master, input),
    () => disableSubscription(standby.master, input),
    () => dropPublication(source.master, input),
    () => dropSlot(source.master, input),
  ]
  for (const act of acts) await failureOf(act(), 'FENCED_OFF')
  expect([...(await remains(source)), ...(await remains(standby))]).toEqual([])
})

test('a slot that another session is still making is not taken over: it goes with that one', async () => {
  const source = await servers[15].side()
  const [writer, maker] = [await connect(source.options), await connect(source.options)]
  await writer.execute('BEGIN; SELECT pg_current_xact_id()')
  const making = ensureSlot(maker, { name: 'cap_made' }).catch(() => 'ended')
  await until(
    'the slot',
    async () => (await source.master.query(`SELECT FROM pg_replication_slots WHERE slot_name = 'cap_made'`)).length === 1,
  )
  const early = await failureOf(ensureSlot(source.master, { name: 'cap_made' }), 'NOT_READY_YET')
  expect(early.message).toContain(`process ${maker.backendPid}`)
  await source.master.query('SELECT pg_terminate_backend($1, 5000)', [maker.backendPid])
  expect(await making).toBe('ended')
  await writer.execute('ROLLBACK')
  expect(await ensureSlot(source.master, { name: 'cap_made' })).toMatchObject({ made: true })
  await dropSlot(source.master, { name: 'cap_made' })
  await Promise.all([writer.close(), maker.close()])
})

test('a slot that has lost log is not followed', async () => {
  const { source } = await pairOf(servers[15], servers[17], SCHEMA)
  await ensureSlot(source.master, { name: 'cap_lost' })
  await source.superuser.execute(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`)
  await source.superuser.execute('SELECT pg_reload_conf()')
  await until('the slot to be lost', async () => {
    await source.superuser.execute(`CREATE TABLE IF NOT EXISTS filled (n int); INSERT INTO filled VALUES (1)`)
    await source.superuser.execute('SELECT pg_switch_wal()')
    await source.superuser.execute('CHECKPOINT')
    return (
      (await source.superuser.query(`SELECT FROM pg_replication_slots WHERE slot_name = 'cap_lost' AND wal_status = 'lost'`))
        .length === 1
    )
  })
  const refused = await failureOf(ensureSlot(source.master, { name: 'cap_lost' }), 'DATABASE_REFUSED')
  expect(refused.message).toContain('has to be seeded anew')
  await dropSlot(source.master, { name: 'cap_lost' })
  await source.superuser.execute('ALTER SYSTEM RESET max_slot_wal_keep_size')
  await source.superuser.execute('SELECT pg_reload_conf()')
})

test('who may not subscribe or replicate is told what to grant', async () => {
  const { source, standby, names } = await pairOf(servers[17], servers[15], SCHEMA)
  const refused = await failureOf(follow({ ...both, source, standby, names }, TABLES), 'CREDENTIALS_REJECTED')
  expect(refused.message).toContain('before PostgreSQL 16 only a superuser may subscribe')
  expect(await remains(standby)).toEqual([])
  await source.superuser.execute('ALTER ROLE master NOREPLICATION')
  try {
    const denied = await failureOf(ensureSlot(source.master, { name: 'cap_denied' }), 'CREDENTIALS_REJECTED')
    expect(denied.message).toContain('REPLICATION')
  } finally {
    await source.superuser.execute('ALTER ROLE master REPLICATION')
  }
})

/** Someone who holds a slot comes again and again until he is switched off. */
async function disableLater(session: Pair['standby']['master'], name: string): Promise<void> {
  setTimeout(() => void session.execute(`ALTER SUBSCRIPTION ${name} DISABLE`).catch(() => undefined), 300)
}
