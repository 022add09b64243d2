/** What a look at a database's health may not do, what it may not see, and that it says so. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure } from '../../contracts/failures'
import type { HealthFinding, HealthReport } from '../../contracts/health'
import { readConfig } from '../../embedded/config'
import { ensureBinaries } from '../../pgserver/binaries'
import { initCluster, startServer } from '../../pgserver/cluster'
import { connect, type Row, type Session } from '../../postgres/connect/session'
import type { Check } from '../../postgres/health/check'
import { examine } from '../../postgres/health/examine'
import { HEALTH_LIMITS } from '../../postgres/health/finding'
import { ask } from '../../postgres/health/read-only'
import { freePort } from '../ledger/postgres-server'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

/** Everything that takes time in the field counts from its first moment. */
const AT_ONCE = { ...HEALTH_LIMITS, idleInTransactionMs: 0, transactionMs: 0, preparedMs: 0 }

let server: TestServer
let database: TestDatabase
let master: Session
let root: Session
beforeAll(async () => {
  server = await startTestServer(17)
  database = await server.database()
  master = await database.connect()
  root = await database.connectAsSuperuser()
  await root.execute(
    `CREATE ROLE watcher LOGIN PASSWORD 'secret'; GRANT pg_monitor TO watcher; CREATE ROLE stranger LOGIN PASSWORD 'secret'`,
  )
})
afterAll(() => server?.stop())

const examineAs = (user: string, everyDatabase = false): Promise<HealthReport> =>
  examine({
    connect: (name) => connect({ ...database.options, user, database: name ?? database.options.database }),
    everyDatabase,
    limits: AT_ONCE,
  })

test('a role that may see nothing is told what stayed hidden, and sees the rest', async () => {
  await master.execute(
    `CREATE TABLE orders (id serial); SELECT setval('orders_id_seq', 2147483647); CREATE SCHEMA inner_room; CREATE TABLE inner_room.t ()`,
  )
  const watcher = await examineAs('watcher')
  expect(watcher.notKnown).toEqual([
    { check: 'sequences', database: 'test_1', why: 'Hidden from this role: 1 of 1 sequences; grant it SELECT on them.' },
  ])
  const stranger = await examineAs('stranger')
  expect(stranger.notKnown.map(({ check }) => check)).toEqual(['sequences', 'sessions'])
  expect(stranger.findings.map(({ message }) => message)).toContain('Table inner_room.t has no primary key.')
  await master.execute('GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO watcher')
  const granted = await examineAs('watcher')
  expect(granted.notKnown).toEqual([])
  expect(granted.findings.map(({ check }) => check)).toContain('sequences')
})

test('a check cannot write, and what fails is told instead of failing', async () => {
  const writes: Check = {
    id: 'indexes',
    scope: 'database',
    find: async ({ query }) => ({ findings: await query<HealthFinding & Row>('CREATE TABLE x ()') }),
  }
  const hidden: Check = {
    id: 'indexes',
    scope: 'instance',
    find: async ({ query }) => ({ findings: await query<HealthFinding & Row>('SELECT * FROM pg_authid') }),
  }
  const [written, secret] = [await ask(master, writes, AT_ONCE, undefined), await ask(master, hidden, AT_ONCE, undefined)]
  expect(written).toMatchObject({ findings: [], notKnown: [{ database: 'test_1', why: expect.stringContaining('25006') }] })
  expect(secret).toMatchObject({
    findings: [],
    notKnown: [{ database: null, why: expect.stringContaining('grant it pg_monitor') }],
  })
  expect(await master.query(`SELECT current_setting('statement_timeout') AS limit`)).toEqual([{ limit: '0' }])
})

test('it waits for no lock', async () => {
  const holder = await database.connect()
  await holder.execute('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; ALTER SEQUENCE orders_id_seq CACHE 5')
  const report = await examineAs('master')
  expect(report.notKnown).toEqual([
    {
      check: 'sequences',
      database: 'test_1',
      why: expect.stringMatching(/^Somebody holds a lock in the way of looking at sequences/),
    },
  ])
  await holder.execute('ROLLBACK')
  expect((await examineAs('master')).notKnown).toEqual([])
})

test('it says which databases it looked into, and looks into each when asked', async () => {
  const other = await server.database()
  await (await other.connect()).execute('CREATE TABLE elsewhere ()')
  await root.execute('CREATE DATABASE closed ALLOW_CONNECTIONS false')
  await root.execute('CREATE DATABASE refused')
  await root.execute('REVOKE CONNECT ON DATABASE refused FROM public')
  const one = await examineAs('master')
  expect(one.databases.filter(({ looked }) => looked)).toEqual([{ name: 'test_1', looked: true, why: null }])
  const every = await examineAs('master', true)
  expect(every.databases).toEqual([
    { name: 'closed', looked: false, why: 'It takes no connections.' },
    { name: 'postgres', looked: true, why: null },
    { name: 'refused', looked: false, why: 'The role may not connect to it: grant CONNECT.' },
    { name: 'test_1', looked: true, why: null },
    { name: 'test_2', looked: true, why: null },
  ])
  expect(one.findings.map(({ object }) => object?.name)).not.toContain('elsewhere')
  expect(every.findings).toContainEqual(
    expect.objectContaining({ database: 'test_2', message: 'Table public.elsewhere has no primary key.' }),
  )
  expect(every.findings.filter(({ check }) => check === 'durability')).toHaveLength(1)
})

test('more findings of a kind than are told are counted as not known', async () => {
  await master.execute('CREATE TABLE many_1 (); CREATE TABLE many_2 (); CREATE TABLE many_3 ()')
  const report = await examine({
    connect: () => connect(database.options),
    everyDatabase: false,
    limits: { ...AT_ONCE, findingsMax: 2 },
  })
  expect(report.findings.filter(({ check }) => check === 'replica-identity')).toHaveLength(2)
  expect(report.notKnown).toContainEqual({
    check: 'replica-identity',
    database: 'test_1',
    why: expect.stringMatching(/^More than 2 were found/),
  })
})

test('a standby tells what it knows, and what nobody can read there keeps no check from its answer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'capstan-health-standby-'))
  await chmod(folder, 0o755)
  const binaries = await ensureBinaries({ major: 17, cacheDir: readConfig().folders.cache })
  const dataDir = join(folder, 'data')
  await initCluster({ binaries, dataDir, superuser: 'postgres', password: 'secret' })
  const port = await freePort()
  const start = { binaries, dataDir, hosts: ['127.0.0.1'], port, logFile: join(folder, 'server.log') }
  const options = { ...database.options, port, user: 'postgres', database: 'postgres' }
  let running = await startServer(start)
  try {
    const writer = await connect(options)
    await writer.execute('CREATE UNLOGGED SEQUENCE unlogged; CREATE SEQUENCE logged MAXVALUE 10; CREATE TABLE nameless ()')
    await writer.query(`SELECT setval('logged', 10), nextval('unlogged')`)
    await writer.close()
    await running.stop('fast')
    await writeFile(join(dataDir, 'standby.signal'), '', { mode: 0o644 })
    running = await startServer(start)
    const report = await examine({ connect: () => connect(options), everyDatabase: false })
    expect(report).toMatchObject({ standby: true, notKnown: [] })
    expect(report.findings.map(({ object }) => object?.name)).toEqual(['logged', 'nameless'])
  } finally {
    await running.stop('immediate')
    await rm(folder, { recursive: true, force: true })
  }
})

test('an operator that fits better than PostgreSQL’s own is not taken: its owner’s code does not run', async () => {
  const hostile = await server.database()
  const owner = await hostile.connect()
  await owner.execute(`CREATE FUNCTION trap(oid, int4) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $t$trapped$t$; END';
    CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = int4, FUNCTION = trap); CREATE TABLE t (id int)`)
  await expect(owner.query('SELECT FROM pg_class WHERE oid = 0')).rejects.toThrow()
  const report = await examine({
    connect: () => connect({ ...hostile.options, user: 'postgres' }),
    everyDatabase: false,
  })
  expect(report.notKnown).toEqual([])
})

test('an interrupt ends it with its reason', async () => {
  const signal = AbortSignal.abort(new Error('stop'))
  await expect(examine({ connect: () => connect(database.options), everyDatabase: false, signal })).rejects.toThrow('stop')
})

test('a reason that is a failure ends it as well, and is not told of the database that was being looked into', async () => {
  const interrupt = new AbortController()
  const reason = failure('HEARTBEAT_GAP', 'silent for too long')
  const connectTo = async (name: string | null) => {
    if (name !== null) interrupt.abort(reason)
    return connect({ ...database.options, database: name ?? database.options.database })
  }
  await expect(examine({ connect: connectTo, everyDatabase: true, signal: interrupt.signal })).rejects.toBe(reason)
})
