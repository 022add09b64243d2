import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker'
import { prepareMigrate } from '../../client/prepare-migrate'
import { startMigrate } from '../../client/start-migrate'
import { connectTemporal, type TemporalDoor } from '../../client/temporal'
import { SEARCH_ATTRIBUTES } from '../../contracts/messages'
import type { OperationDocument } from '../../contracts/operation'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from '../ledger/postgres-server'
import { type CliRun, capstan } from './recorded-io'
import { startTestTemporal, type TestTemporal } from './temporal-server'

const folder = mkdtempSync(join(tmpdir(), 'capstan-operations-'))
let server: TestServer
let temporalServer: TestTemporal
let ledger: Ledger
let temporal: TemporalDoor
let env: Record<string, string>

beforeAll(async () => {
  // What the worker logs about the failures that are meant here would drown everything else.
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  })
  ;[server, temporalServer] = await Promise.all([startTestServer(), startTestTemporal()])
  const ledgerUrl = await server.freshDatabase()
  ledger = openLedger({ url: ledgerUrl })
  await ledger.migrate()
  temporal = await connectTemporal({ address: temporalServer.address, namespace: 'default' })
  env = { TEMPORAL_ADDRESS: temporalServer.address, CAPSTAN_LEDGER_URL: ledgerUrl, CAPSTAN_FLEET: fleetFile() }
}, 120_000)
afterAll(async () => {
  await temporal?.close()
  await ledger?.close()
  await Promise.all([server?.stop(), temporalServer?.stop()])
  rmSync(folder, { recursive: true })
})

/** Databases whose names say how the workflow behaves. */
function fleetFile(): string {
  mkdirSync(join(folder, 'migrations'))
  writeFileSync(join(folder, 'migrations', 'V1__a.sql'), 'SELECT 1;')
  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other', 'V1__a.sql'), 'SELECT 2;')
  const [head = '', entry = ''] = readFileSync(join(__dirname, 'fleet-example.yaml'), 'utf8').split(/(?<=databases:\n)/)
  const entries = ['waits', 'parked', 'fails'].map((name) => entry.replace('name: shop', `name: ${name}`))
  const file = join(folder, 'fleet.yaml')
  writeFileSync(file, head + entries.join(''))
  return file
}

// The server lets several seconds pass before a third attempt: one that failed is enough here.
const vigilance = { lookEveryMs: 100, attemptsTolerated: 1 }
const cli = (args: readonly string[], more: Record<string, string> = {}): Promise<CliRun> =>
  capstan(args, { env: { ...env, ...more }, vigilance })
let count = 0
async function started(database: string, ...args: string[]): Promise<string> {
  const id = `migrate-${database}-${++count}`
  const run = await cli(['migrate', database, '--no-wait', '--json', '--operation', id, ...args])
  expect(run).toMatchObject({ exit: 0, json: { id, status: 'running' } })
  return id
}

/** A way to the server that can be cut: whoever uses it gets no answer any more. */
async function proxyTo(target: string): Promise<{ address: string; cut(): void }> {
  const [host = '', port = ''] = target.split(':')
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    const far = createConnection({ host, port: Number(port) })
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  const { port: own } = proxy.address() as AddressInfo
  return {
    address: `127.0.0.1:${own}`,
    cut() {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

let workflowBundle: Promise<WorkflowBundleWithSourceMap> | undefined
async function withWorker<T>(work: () => Promise<T>): Promise<T> {
  const connection = await NativeConnection.connect({ address: temporalServer.address })
  workflowBundle ??= bundleWorkflowCode({ workflowsPath: require.resolve('./workflows/migrate.ts') })
  const worker = await Worker.create({
    connection,
    taskQueue: 'control',
    workflowBundle: await workflowBundle,
    stickyQueueScheduleToStartTimeout: '1s',
  })
  try {
    return await worker.runUntil(work())
  } finally {
    await connection.close()
  }
}

describe('starting', () => {
  test('an operation is in the ledger and findable in Temporal', async () => {
    const id = await started('waits', '--plan')
    const description = await temporal.handle(id).describe()
    expect(description.type).toBe('migrate')
    const attributes = Object.fromEntries(description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]))
    expect(attributes).toMatchObject({
      [SEARCH_ATTRIBUTES.kind]: 'migrate',
      [SEARCH_ATTRIBUTES.database]: 'waits',
      [SEARCH_ATTRIBUTES.status]: 'running',
    })
    expect(await description.staticSummary()).toBe('plan waits (aws, production): 1 scripts')
    expect(await ledger.getOperation(id)).toMatchObject({ databases: ['waits'], requestedBy: 'ada', status: 'running' })
  })

  test('an id that is repeated with the same files joins, with others it is refused', async () => {
    const id = await started('waits')
    expect(await cli(['migrate', 'waits', '--no-wait', '--json', '--operation', id], { USER: 'bob' })).toMatchObject({
      exit: 0,
      json: { requestedBy: 'ada' },
    })
    const other = await cli(['migrate', 'waits', '--no-wait', '--operation', id, '--migrations', join(folder, 'other')])
    expect(other).toMatchObject({ exit: 3, err: expect.stringContaining('exists already with another content (bundle differ)') })
  })

  test('an id whose operation is over answers with its end and starts nothing', async () => {
    const id = await started('waits')
    await temporal.handle(id).terminate()
    await ledger.setStatus({ operation: id, status: 'failed', verdict: 'fail', finishedAt: new Date().toISOString() })
    const again = await cli(['migrate', 'waits', '--json', '--operation', id])
    expect(again).toMatchObject({ exit: 1, json: { id, status: 'failed' } })
  })

  test('without an id of the caller’s each start is an operation of its own', async () => {
    const runs = await Promise.all([1, 2].map(() => cli(['migrate', 'waits', '--no-wait', '--json'])))
    const ids = runs.map((run) => (run.json as OperationDocument).id)
    for (const id of ids) expect(id).toMatch(/^migrate-waits-[a-z2-7]{6}$/)
    expect(new Set(ids).size).toBe(2)
  })

  test('a namespace that is not there is refused before anything is written', async () => {
    const before = (await ledger.listOperations({ limit: 100 })).length
    const run = await cli(['migrate', 'waits'], { TEMPORAL_NAMESPACE: 'nowhere' })
    expect(run).toMatchObject({ exit: 3, err: expect.stringContaining('has no namespace nowhere') })
    expect(await ledger.listOperations({ limit: 100 })).toHaveLength(before)
  })

  test('a start of which nobody can say whether it happened leaves the operation open, and an abort closes it', async () => {
    const proxy = await proxyTo(temporalServer.address)
    const door = await connectTemporal({ address: proxy.address, namespace: 'default' })
    proxy.cut()
    const { bundle } = await prepareMigrate({ fleetFile: env.CAPSTAN_FLEET!, database: 'waits', migrations: null })
    const id = 'migrate-unheard'
    const request = {
      bundle,
      mode: 'plan',
      operation: id,
      requestedBy: 'ada',
      heartbeatTimeoutMs: 5_000,
      workflowTaskTimeoutMs: 10_000,
    } as const
    // Patience is cut short, or the client would try again for twenty seconds.
    const hasty: TemporalDoor = { ...door, within: (_, calls) => door.within(500, calls) }
    await expect(startMigrate({ ledger, temporal: hasty }, request)).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining('nobody knows whether it runs'),
    })
    await door.close()
    expect(await ledger.getOperation(id)).toMatchObject({ status: 'running', failure: null })
    expect(await cli(['ops', 'abort', id, '--json'])).toMatchObject({ exit: 0, json: { how: 'closed' } })
  })

  test('a start that Temporal refuses leaves no running operation', async () => {
    const namespace = 'without-attributes'
    const day = { seconds: 86_400 } as never
    await temporal.client.connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day })
    // The server's own view of its namespaces is refreshed now and then.
    let run: CliRun
    do
      run = await cli(['migrate', 'waits', '--no-wait', '--json', '--operation', 'migrate-refused'], {
        TEMPORAL_NAMESPACE: namespace,
      })
    while ((run.json as { error: { message: string } }).error.message.includes('no namespace'))
    expect(run).toMatchObject({
      exit: 3,
      json: { error: { code: 'TEMPORAL_REFUSED', message: expect.stringMatching(/search attribute/i) } },
    })
    expect(await ledger.getOperation('migrate-refused')).toMatchObject({
      status: 'failed',
      failure: { code: 'TEMPORAL_REFUSED' },
    })
  })
})

describe('waiting', () => {
  test('a workflow whose code throws at every attempt is named as a defect, exit 70', async () => {
    await withWorker(async () => {
      const run = await cli(['migrate', 'parked', '--json'])
      expect(run.exit).toBe(70)
      expect(run.json).toMatchObject({ error: { code: 'DEFECT', message: expect.stringContaining('an invariant is broken') } })
    })
  })

  test('a workflow that ended without a record of it is named as a defect, exit 70', async () => {
    await withWorker(async () => {
      const run = await cli(['migrate', 'fails', '--json'])
      expect(run.exit).toBe(70)
      expect(run.json).toMatchObject({
        error: { code: 'DEFECT', message: expect.stringMatching(/is FAILED \(gave up without a word\)/) },
      })
    })
  })

  test('without a worker an operation is no defect: it waits', async () => {
    const id = await started('waits')
    const run = await capstan(['ops', 'watch', id], { env, interruptAt: id })
    expect(run.exit).toBe(130)
  })
})

describe('deciding', () => {
  test('the requester cannot approve, somebody else can, and the digest is the ledger’s', async () => {
    await withWorker(async () => {
      const id = await started('waits')
      expect(await cli(['ops', 'approve', id])).toMatchObject({
        exit: 3,
        err: expect.stringContaining('is not waiting for an approval'),
      })
      await ledger.setStatus({ operation: id, status: 'awaiting-approval', planDigest: 'ab'.repeat(32) })
      expect(await cli(['ops', 'approve', id])).toMatchObject({ exit: 3, err: expect.stringContaining('[APPROVAL_REFUSED]') })
      const approved = await cli(['ops', 'approve', id, '--json'], { USER: 'bob' })
      expect(approved).toMatchObject({ exit: 0, json: { decision: 'approved', by: 'bob', planDigest: 'ab'.repeat(32) } })
      expect(await temporal.handle(id).result()).toBe(`approve bob ${'ab'.repeat(32)}`)
    })
  })

  test('abort and resolve reach the workflow with who and why', async () => {
    await withWorker(async () => {
      const [aborted, resolved] = [await started('waits'), await started('waits')]
      expect(await cli(['ops', 'abort', aborted, '--reason', 'wrong branch'])).toMatchObject({
        exit: 0,
        out: expect.stringContaining('accepted'),
      })
      expect(await temporal.handle(aborted).result()).toBe('abort ada wrong branch')
      expect(await cli(['ops', 'resolve', resolved, 'retry', '--step', 'canary', '--by', 'bob'])).toMatchObject({ exit: 0 })
      expect(await temporal.handle(resolved).result()).toBe('resolve bob canary retry')
    })
  })

  test('an operation whose start was cut short is named as such, and an abort closes its record', async () => {
    const id = 'migrate-cut-short'
    const { bundle } = await prepareMigrate({ fleetFile: env.CAPSTAN_FLEET!, database: 'waits', migrations: null })
    const about = { kind: 'migrate', databases: ['waits'], cloud: 'aws', environment: 'production', mode: 'apply' } as const
    const startedAt = new Date().toISOString()
    await ledger.openOperation({ ...about, id, requestedBy: 'ada', startedAt, bundle: await ledger.putBundle(bundle) })
    expect(await cli(['ops', 'watch', id])).toMatchObject({
      exit: 3,
      err: expect.stringContaining('was recorded but never started'),
    })
    expect(await cli(['ops', 'abort', id, '--json'])).toMatchObject({ exit: 0, json: { how: 'closed' } })
    expect(await ledger.getOperation(id)).toMatchObject({ status: 'aborted', failure: { code: 'OPERATION_ABORTED' } })
  })

  test('an abort without any worker is left at the server', async () => {
    const id = await started('waits')
    const run = await cli(['ops', 'abort', id, '--json'])
    expect(run).toMatchObject({ exit: 0, json: { decision: 'aborted', how: 'requested' } })
    const { events } = await temporal.handle(id).fetchHistory()
    expect(events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes)).toBe(true)
  })

  test('a decision about an operation that is over, or that Temporal has lost, is refused', async () => {
    const id = await started('waits')
    await temporal.handle(id).terminate()
    const step = { id: 'plan', title: 'Plan', state: 'running', attempts: 1, finishedAt: null, detail: {} } as const
    await ledger.recordStep({ operation: id, sequence: 0, step: { ...step, startedAt: new Date().toISOString() } })
    expect(await cli(['ops', 'abort', id])).toMatchObject({ exit: 70, err: expect.stringContaining('Temporal runs no workflow') })
    await ledger.setStatus({ operation: id, status: 'succeeded' })
    expect(await cli(['ops', 'abort', id])).toMatchObject({ exit: 3, err: expect.stringContaining('it ended succeeded') })
    expect(await cli(['ops', 'reject', 'migrate-nobody', '--reason', 'x'])).toMatchObject({ exit: 2 })
  })
})
