import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { createSchemaActivities } from '../../activities/schema/schema'
import { broughtByFiles, standbyBlocks } from '../../activities/schema/standby-blocks'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { connect } from '../../postgres/connect/session'
import { apply, failureOf, type Scripts } from '../postgres/support/apply'
import { type CuttingProxy, startCuttingProxy } from '../postgres/support/cutting-proxy'
import { startTestServer, type TestDatabase, type TestServer } from '../postgres/support/server'

const SCHEDULED_AT_MS = 1_770_000_000_000

let server: TestServer
let ledger: Ledger
let target: CuttingProxy
let canary: CuttingProxy
beforeAll(async () => {
  server = await startTestServer(17)
  const { options } = await server.database()
  ledger = openLedger({
    url: `postgres://${options.user}:${options.password}@${options.host}:${options.port}/${options.database}`,
  })
  await ledger.migrate()
})
beforeEach(async () => {
  target = await startCuttingProxy(server)
  canary = await startCuttingProxy(server)
})
afterEach(async () => {
  await target.close()
  await canary.close()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

const FILES: Scripts = { 'V1__a.sql': 'CREATE TABLE a (id int);', 'V2__b.sql': 'CREATE TABLE b (id int);' }

function entryFor({ options }: TestDatabase): DatabaseEntry {
  const connection = { user: options.user, secret: 'env:IT', host: null, port: null, tls: 'disable' as const }
  const limits = { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null }
  return {
    name: 'shop',
    cloud: 'aws',
    account: '000000000000',
    region: 'us-east-1',
    instance: 'shop',
    database: options.database,
    environment: 'test',
    labels: {},
    connections: { admin: { ...connection, user: 'nobody' }, migrator: connection },
    migrations: 'migrations',
    checks: { rowCounts: ['a'], invariants: [], smoke: [] },
    policy: {
      approval: 'none',
      limits,
      lockTimeoutMs: 500,
      lockAttempts: 1,
      bakeSeconds: 0,
      snapshotRetentionHours: 1,
    },
    canary: { securityGroups: [], instanceClass: null },
  }
}

function addressOf(proxy: CuttingProxy): InstanceAddress {
  return { instance: 'shop', instanceId: 'db-1', host: '127.0.0.1', port: proxy.port, engineVersion: '17' }
}

function run<T>(body: () => Promise<T>): Promise<T> {
  const act = {
    attempt: 1,
    scheduledAtMs: SCHEDULED_AT_MS,
    signal: new AbortController().signal,
    stale: () => false,
    // nobody asks it: it is never connected
    client: new Client({ connection: Connection.lazy() }),
    isCurrent: async () => true,
  }
  return runAct(act, body)
}

let count = 0

/** An operation on a fresh database, planned; target and canary are the same database behind two doors. */
async function planned() {
  const database = await server.database()
  const operation = `op-${++count}`
  const migrations = Object.entries(FILES).map(([script, content]) => ({ script, content }))
  const bundle = await ledger.putBundle({ version: 1, database: entryFor(database), migrations })
  await ledger.openOperation({
    id: operation,
    kind: 'migrate',
    databases: ['shop'],
    requestedBy: 'ada',
    startedAt: new Date().toISOString(),
    bundle,
    cloud: 'aws',
    environment: 'test',
    mode: 'apply',
  })
  const deps: Omit<ActivityDeps, 'cloudOf'> = {
    ledger,
    resolveSecret: async () => database.options.password,
    secretKey: Buffer.alloc(32),
    sourceAddress: null,
    endpoints: { commands: null, labRouter: null },
  }
  const activities = createSchemaActivities(deps as ActivityDeps)
  const step = { operation, bundle }
  const on = { target: addressOf(target), canary: addressOf(canary) }
  const { digest } = await run(() => activities.planMigration({ ...step, step: 'plan', target: on.target, lock: null }))
  const input = { ...step, ...on, epoch: 1, planDigest: digest }
  return {
    database,
    operation,
    rehearse: () => run(() => activities.rehearse({ ...input, step: 'rehearse' })),
    apply: () => run(() => activities.applyMigrations({ ...input, step: 'apply' })),
  }
}

test('a rehearsal keeps one session on the target and one on the canary, beside the two of the engine', async () => {
  const { rehearse } = await planned()
  const before = target.accepted

  expect(await rehearse()).toMatchObject({ statementCount: 2 })

  expect(target.accepted - before).toBe(1)
  expect(canary.accepted).toBe(3)
})

test.each(['rehearse', 'apply'] as const)('%s changes nothing when the history is not the one planned on', async (verb) => {
  const run = await planned()
  await apply(run.database, {})
  const session = await run.database.connect()
  await session.execute(
    `INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, installed_by, execution_time, success)
     VALUES (1, '0', 'theirs', 'BASELINE', 'theirs', 'them', 0, true)`,
  )

  await failureOf(run[verb](), 'PLAN_DRIFTED')

  expect(await session.query(`SELECT to_regclass('a') AS a, to_regclass('b') AS b`)).toEqual([{ a: null, b: null }])
})

test('a target whose schema changed since the plan is left alone before the fence is raised', async () => {
  const run = await planned()
  const session = await run.database.connect()
  await session.execute('CREATE TYPE theirs AS ENUM ()')

  await failureOf(run.apply(), 'PLAN_DRIFTED')

  expect(await session.query(`SELECT to_regnamespace('capstan') AS schema`)).toEqual([{ schema: null }])
})

test('an apply runs behind a fence of its own epoch', async () => {
  const run = await planned()

  expect(await run.apply()).toMatchObject({ applied: ['V1__a.sql', 'V2__b.sql'], current: '2' })

  const session = await run.database.connect()
  expect(await session.query('SELECT epoch, attempt, operation FROM capstan.fence')).toEqual([
    { epoch: 1, attempt: SCHEDULED_AT_MS, operation: run.operation },
  ])
})

test('a trigger that fires for what is applied is told of, once a file has brought it', async () => {
  const { options } = await server.database()
  const session = await connect(options)
  await session.execute(`CREATE TABLE t (id int PRIMARY KEY); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER audit AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()`)
  const before = await run(() => standbyBlocks(session))
  await session.execute('ALTER TABLE t ENABLE ALWAYS TRIGGER audit')
  const after = await run(() => standbyBlocks(session))
  await session.close()
  expect(broughtByFiles(before, after)).toMatchObject([{ rule: 'standby:triggers', message: expect.stringContaining('audit') }])
})
