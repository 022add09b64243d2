/** What is asked of the databases before a person may go on or back, by the very questions, on a server of its own. */
import type { BreakGlassStage } from '../../../contracts/break-glass'
import { failure } from '../../../contracts/failures'
import { findPapers, keepPapers, newestPapers } from '../../../postgres/break-glass/keep'
import { type SourceStanding, type StandbyStanding, stageOf } from '../../../postgres/break-glass/look'
import { papersOf } from '../../../postgres/break-glass/papers'
import { revertByHand } from '../../../postgres/break-glass/revert'
import { actorOf, type Reach, raisedInside, raisedKeyhole } from '../../../postgres/break-glass/sides'
import { countWritten } from '../../../postgres/break-glass/written'
import { connect } from '../../../postgres/connect/session'
import { enterKeyhole, KEYHOLE } from '../../../postgres/fence/keyhole'
import { assertFence, fencedName } from '../../../postgres/migrate/fence'
import { keepOut } from '../../../postgres/replicate/keep-out'
import { standbyNames } from '../../../postgres/replicate/names'
import { type ReplicatingServer, type Side, startReplicating } from '../replicate/support'

let server: ReplicatingServer
let side: Side
beforeAll(async () => {
  server = await startReplicating(17, { wal_level: 'logical' })
  side = await server.side()
})
afterAll(() => server?.server.stop())

const papers = (operation: string) => {
  const { host, port, database } = side.options
  const at = { name: 'shop', instance: 'shop-1', instanceId: 'i', host, port, database, keeps: ['master'] }
  return papersOf({
    ...{ operation, writtenAt: '2026-11-30T00:00:00.000Z', id: { source: 'shop', target: 'shop-azure' } },
    ...{ sides: { source: at, standby: at }, connectionLimit: -1, drainMsMax: 30_000 },
    names: {
      forward: standbyNames({ source: 'shop', target: 'shop-azure' }),
      back: standbyNames({ source: 'shop-azure', target: 'shop' }),
    },
    endpoint: { kind: 'none', at: null, declared: { kind: 'none' } },
    epochs: { source: 1, standby: 1, keyhole: 1 },
  })
}

const reach: Reach = ({ database, applicationName }) => connect({ ...side.options, database, applicationName })

test('who takes a keyhole shuts out whoever acted before; papers stay in it, and the newest are known', async () => {
  const at = papers('one').sides.source
  const first = await raisedKeyhole(reach, 'source', { at, actor: actorOf('one', 'a') })
  await keepPapers(first.session, papers('one'), first.token)
  await keepPapers(first.session, papers('two'), first.token)
  const second = await raisedKeyhole(reach, 'source', { at, actor: actorOf('two', 'b') })
  // its session was ended; one that it opened anew would be refused
  await expect(keepPapers(first.session, papers('three'), first.token)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  await second.session.execute('BEGIN')
  await expect(assertFence(second.session, first.token)).rejects.toMatchObject({ code: 'FENCED_OFF' })
  await second.session.execute('ROLLBACK')
  expect(await newestPapers(second.session)).toBe('two')
  expect(await findPapers(second.session, 'one')).toEqual(papers('one'))
  expect(await findPapers(second.session, 'three')).toBeNull()
  await second.session.close()
  const keyhole = await enterKeyhole((database) => connect({ ...side.options, database }))
  expect((await keyhole?.query('SELECT FROM capstan.papers'))?.length).toBe(2)
  await keyhole?.close()
})

test('a row that a worker holds by a session of the master’s, which stands still, is had by the migrator', async () => {
  const { options, superuser, master } = await server.side()
  const { database, password } = options
  await superuser.execute(
    `CREATE ROLE mover LOGIN PASSWORD '${password}'; GRANT mover TO master; GRANT CREATE ON DATABASE ${database} TO mover`,
  )
  const asked: Reach = ({ role, applicationName }) =>
    connect({ ...options, applicationName, user: role === 'migrator' ? 'mover' : options.user })
  const at = { ...papers('held').sides.source, database }
  const first = await raisedInside(asked, 'source', { at, actor: actorOf('held', 'a') })
  await master.set('application_name', fencedName(first, 'capstan held'))
  await master.execute('GRANT UPDATE ON capstan.fence TO master; BEGIN')
  await assertFence(master, first)
  const second = await raisedInside(asked, 'source', { at, actor: actorOf('held', 'b') })
  expect(second.epoch).toBe(first.epoch + 1)
  expect(master.open).toBe(false)
}, 60_000)

test('what was written by others than replication is seen, and neither what replication brought nor what is ours', async () => {
  const { master, superuser } = side
  await master.execute(
    'CREATE TABLE public.orders (id int PRIMARY KEY); CREATE SCHEMA capstan; CREATE TABLE capstan.standby_marker (value text PRIMARY KEY)',
  )
  await superuser.execute('CREATE PUBLICATION back FOR TABLE public.orders, capstan.standby_marker')
  const asked = { slot: 'back', publication: 'back', waitMs: 1_000 }
  expect(await countWritten(master, asked)).toEqual({ kind: 'none' })
  await superuser.query("SELECT pg_create_logical_replication_slot('back', 'pgoutput')")
  expect(await countWritten(master, asked)).toEqual({ kind: 'waiting', rows: 0 })
  await superuser.execute("SELECT pg_replication_origin_create('source'); SELECT pg_replication_origin_session_setup('source')")
  await superuser.execute('INSERT INTO public.orders VALUES (1)')
  await superuser.execute('SELECT pg_replication_origin_session_reset()')
  await master.execute("INSERT INTO capstan.standby_marker VALUES ('ours')")
  expect(await countWritten(master, asked)).toEqual({ kind: 'waiting', rows: 0 })
  await master.execute(
    'INSERT INTO public.orders VALUES (2); UPDATE public.orders SET id = 3 WHERE id = 2; DELETE FROM public.orders WHERE id = 3; TRUNCATE public.orders',
  )
  expect(await countWritten(master, asked)).toEqual({ kind: 'waiting', rows: 4 })
  await superuser.query("SELECT pg_drop_replication_slot('back')")
})

test('with the standby away the source is opened once somebody answers for it that no failover ran, and not where writing has moved', async () => {
  const { database } = side.options
  // nobody listens there
  const away: Reach = (on) =>
    on.side === 'source'
      ? reach(on)
      : connect({ ...side.options, database: on.database, port: 1, applicationName: on.applicationName })
  const told = async () => undefined
  const lead = async () => ({ moved: true, said: 'they are there' })
  const run = (neverFailedOver: () => Promise<string>) =>
    revertByHand({
      ...{ papers: papers('two'), reach: away, run: 'c', before: told, after: told, failed: told, lead },
      neverFailedOver,
    })
  const { session } = await raisedKeyhole(reach, 'source', { at: papers('two').sides.source, actor: actorOf('two', 'b') })
  const [{ oid } = { oid: 0 }] = await session.query<{ oid: number }>(
    'SELECT oid FROM pg_catalog.pg_database WHERE datname = $1',
    [database],
  )
  await session.query(`INSERT INTO capstan.closed_database (oid, name, operation) VALUES ($1, $2, 'two')`, [oid, database])
  await session.query(`INSERT INTO capstan.moved_away (oid, operation, writer) VALUES ($1, 'one', 'shop-azure')`, [oid])
  await session.close()
  const beside = await connect({ ...side.options, database: KEYHOLE })
  await beside.execute(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`)
  const open = async () =>
    (await beside.query('SELECT FROM pg_catalog.pg_database WHERE datname = $1 AND datallowconn', [database])).length === 1
  const asked = jest.fn(async () => 'nobody did')
  await expect(run(asked)).rejects.toMatchObject({ code: 'NO_WAY_BACK' })
  expect([asked.mock.calls.length, await open()]).toEqual([0, false])
  await beside.execute('DELETE FROM capstan.moved_away')
  const unsure = async () => Promise.reject(failure('FENCE_NOT_PROVEN', 'nobody knows'))
  await expect(run(unsure)).rejects.toMatchObject({ code: 'FENCE_NOT_PROVEN' })
  expect(await open()).toBe(false)
  expect(await run(asked)).toEqual({ standbyLeft: true })
  expect([asked.mock.calls.length, await open()]).toEqual([1, true])
  // one that was killed while it let the source's own roles in alone is begun again, and lets the others in
  const killed = await raisedKeyhole(reach, 'source', { at: papers('two').sides.source, actor: actorOf('two', 'd') })
  await keepOut(killed.session, { database, operation: 'two', keep: ['master'], token: killed.token })
  await killed.session.close()
  expect(await run(asked)).toEqual({ standbyLeft: true })
  expect(await beside.query('SELECT FROM capstan.kept_out')).toEqual([])
  await beside.close()
})

test('from what both say follows how far writing has moved; two that are open are never taken for one', () => {
  const source = (more: Partial<SourceStanding> = {}): SourceStanding => ({
    ...{ open: true, limit: -1, closed: null, keptOut: false, slot: null, sessions: 0, actor: null, ...more },
  })
  const standby = (more: Partial<StandbyStanding> = {}): StandbyStanding => ({
    ...{ keptOut: true, ours: true, forward: { enabled: true, origin: 'any' }, backSlot: null, actor: null, ...more },
  })
  const closed = { open: false, closed: { limit: null } }
  const workers = { limit: 0, closed: { limit: -1 } }
  const cases: [SourceStanding | null, StandbyStanding | null, BreakGlassStage][] = [
    [source(), standby(), 'open'],
    [source({ keptOut: true }), standby(), 'kept'],
    [source(closed), standby(), 'closed'],
    [source(workers), standby(), 'workers-only'],
    [source(closed), standby({ keptOut: false }), 'opened'],
    [source(workers), standby({ keptOut: false }), 'opened'],
    [source({ keptOut: true }), standby({ keptOut: false }), 'follows'],
    [source({ keptOut: true }), standby({ keptOut: false, forward: null }), 'turned'],
    [source(), standby({ keptOut: false }), 'both-open'],
    // a limit of somebody else's keeps nobody out for us
    [source({ limit: 0 }), standby({ keptOut: false }), 'both-open'],
    [null, standby(), 'unknown'],
    [source(), null, 'unknown'],
  ]
  for (const [one, other, stage] of cases) expect(stageOf(one, other)).toBe(stage)
})
