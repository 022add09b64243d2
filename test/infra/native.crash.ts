/** The services of docker-compose.yml that are ours, started as it says, each as a process of its own: the schema job, one worker per queue,
 *  the command line. PostgreSQL is real, and so is Temporal (its dev server stands in for the image of the whole one), and the cloud is the
 *  lab. Set CAPSTAN_TEST_TEMPORAL to the address of another server to run against that. */
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client, Connection } from '@temporalio/client'
import { temporal } from '@temporalio/proto'
import { TASK_QUEUES, type TaskQueue } from '../../contracts/messages'
import type { OperationDocument } from '../../contracts/operation'
import { readConfig } from '../../embedded/config'
import { findTemporal } from '../../embedded/temporal/find'
import { temporalSearch } from '../../embedded/temporal/search'
import { controlAddress } from '../../embedded/worker-program'
import { ensureBinaries } from '../../pgserver/binaries'
import { initCluster, type RunningServer, startServer } from '../../pgserver/cluster'
import { freePort, query } from '../ledger/postgres-server'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { createTarget, FIRST, type Target } from '../support/target'
import { ROOT } from './compose'
import { type Container, environmentOf, type Ground, runContainer, serviceOf, startContainer } from './containers'
import { assembleImage } from './image'
import { cuttable, type Wire } from './wire'

const run = promisify(execFile)
const QUEUES = Object.values(TASK_QUEUES)
const TaskQueueType = temporal.api.enums.v1.TaskQueueType
const folder = mkdtempSync(join(tmpdir(), 'capstan-containers-'))
const secrets = join(folder, 'secrets')
const secret = (name: string): string => readFileSync(join(secrets, name), 'utf8').trim()

let capstan: CapstanStack
let target: Target
let ledger: LedgerPlace
let wire: Wire
let ground: Ground
let connection: Connection
const workers = new Map<TaskQueue, Container>()

interface LedgerPlace {
  readonly port: number
  start(): Promise<RunningServer>
  server: RunningServer
}

/** `ledger-db`: its user, its database and its password. */
async function startLedgerDatabase(): Promise<LedgerPlace> {
  const { POSTGRES_USER: user = '', POSTGRES_DB: database = '' } = serviceOf('ledger-db').environment ?? {}
  const binaries = await ensureBinaries({ major: 17, cacheDir: readConfig().folders.cache })
  const dataDir = join(folder, 'ledger-data')
  const password = secret('ledger-owner-password')
  await initCluster({ binaries, dataDir, superuser: user, password })
  const port = await freePort()
  const start = () => startServer({ binaries, dataDir, hosts: ['127.0.0.1'], port, logFile: join(folder, 'ledger.log') })
  const server = await start()
  await query(`postgres://${user}:${password}@127.0.0.1:${port}/postgres`, `CREATE DATABASE ${database}`)
  return { port, start, server }
}

/** infra/make-secrets.sh, and then what its last line asks for. */
function makeSecrets(): void {
  execFileSync('/bin/sh', [join(ROOT, 'infra/make-secrets.sh'), secrets])
  // Containers get their files one by one; here the folder itself has to let their users through.
  for (const path of [secrets, join(secrets, 'databases')]) chmodSync(path, 0o711)
  const { accessKeyId, secretAccessKey } = capstan.stack.lab.aws
  const credentials = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
  fill('aws-credentials', credentials)
  fill('databases/stock-admin', `${capstan.stack.secrets.shopAdmin}\n`)
  fill('databases/stock-migrator', `${capstan.stack.secrets.shopMigrator}\n`)
}

function fill(name: string, content: string): void {
  rmSync(join(secrets, name), { force: true })
  writeFileSync(join(secrets, name), content, { mode: 0o444 })
}

/** What `temporal-namespace` runs. */
async function makeNamespace(): Promise<void> {
  const source = await findTemporal({ ...temporalSearch(readConfig(), () => undefined), address: null })
  if (source.kind === 'server') throw new Error('a program was wanted')
  const environment = environmentOf(ground, 'temporal-namespace')
  const PATH = `${dirname(source.path)}:${environment.PATH}`
  await run('/bin/sh', [join(ROOT, 'infra/temporal/namespace.sh')], { env: { ...environment, PATH, HOME: folder } })
}

/** What a worker is told here beyond the file, because the cloud is a lab on this machine. */
function labOnly(queue: TaskQueue): Record<string, string> {
  if (queue === 'aws') return { AWS_ENDPOINT_URL_RDS: capstan.stack.endpoints.labApi }
  if (queue === 'postgres') return { CAPSTAN_POSTGRES_SOURCE_ADDRESS: controlAddress(capstan.stack.block) }
  return {}
}

beforeAll(async () => {
  chmodSync(folder, 0o711)
  const app = join(folder, 'app')
  mkdirSync(app, { mode: 0o755 })
  assembleImage(app)
  capstan = await startCapstan()
  // Its one worker for all queues gives way to those of the file.
  await capstan.stack.worker.stop(2_500)
  target = await createTarget(capstan)
  await target.reset()
  makeSecrets()
  ledger = await startLedgerDatabase()
  for (const name of ['ledger-owner-url', 'ledger-worker-url']) {
    fill(name, secret(name).replace('@ledger-db:5432/', `@127.0.0.1:${ledger.port}/`))
  }
  wire = await cuttable(process.env.CAPSTAN_TEST_TEMPORAL ?? capstan.stack.endpoints.temporal.address)
  ground = { app, secrets, scratch: folder, hosts: { 'temporal:7233': wire.address } }
  connection = await Connection.connect({
    address: process.env.CAPSTAN_TEST_TEMPORAL ?? capstan.stack.endpoints.temporal.address,
  })
  await makeNamespace()
})

afterAll(async () => {
  await Promise.all([...workers.values()].map((worker) => worker.stop()))
  await connection?.close()
  await wire?.close()
  await ledger?.server.stop('fast')
  await capstan?.close()
  rmSync(folder, { recursive: true, force: true })
})

const namespace = (): string => environmentOf(ground, 'worker-control').TEMPORAL_NAMESPACE ?? ''

async function pollersOf(queue: TaskQueue, taskQueueType: temporal.api.enums.v1.TaskQueueType): Promise<string[]> {
  const asked = { namespace: namespace(), taskQueue: { name: queue }, taskQueueType }
  const { pollers } = await connection.workflowService.describeTaskQueue(asked)
  return [...new Set((pollers ?? []).map(({ identity }) => identity ?? ''))]
}

const pidOf = (queue: TaskQueue): number | undefined => workerOf(queue).process.pid

test('a worker does not start before the schema job has run', async () => {
  const owner = secret('ledger-owner-url')
  const worker = secret('ledger-worker-url')
  // The worker's role is not there yet either: as the owner it gets further.
  fill('ledger-worker-url', `${owner}\n`)
  const { code, said } = await runContainer(ground, 'worker-control')
  fill('ledger-worker-url', `${worker}\n`)
  expect(said).toMatch(/V1__operations\.sql \(pending\).*Run the ledger schema job/)
  expect(code).toBe(4)
})

test('the schema job ends well, twice, and the worker role can use the record but neither change tables nor evidence', async () => {
  for (const _time of [1, 2]) {
    const { code, said } = await runContainer(ground, 'ledger-schema')
    expect(JSON.parse(said)).toEqual({ ledger: 'ready', workerRole: 'capstan_worker' })
    expect(code).toBe(0)
  }
  const worker = secret('ledger-worker-url')
  await query(worker, 'SELECT count(*) FROM ledger.operations')
  for (const refused of [
    'CREATE TABLE ledger.mine ()',
    'CREATE TABLE public.mine ()',
    "UPDATE ledger.evidence SET body = ''",
    'DELETE FROM ledger.bundles',
    'TRUNCATE ledger.operations',
    'ALTER TABLE ledger.operations ADD mine text',
  ]) {
    await expect(query(worker, refused)).rejects.toThrow(/permission denied|must be owner/)
  }
})

test('each worker polls its own queue alone', async () => {
  for (const queue of QUEUES) workers.set(queue, startContainer(ground, `worker-${queue}`, { also: labOnly(queue) }))
  for (const worker of workers.values()) await worker.says('"ready":true')
  for (const queue of QUEUES) {
    const activities = await untilSome(() => pollersOf(queue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY))
    expect(activities).toEqual([expect.stringMatching(`^capstan-${queue}@${pidOf(queue)}@`)])
    const polling = () => pollersOf(queue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    // one that has just begun may not be known yet
    const workflows = await (queue === 'control' ? untilSome(polling) : polling())
    expect(workflows.filter((identity) => !identity.startsWith(`capstan-${queue}@${pidOf(queue)}@`))).toEqual([])
    expect(workflows.length > 0).toBe(queue === 'control')
  }
})

test('no worker holds what belongs to another, and none has a secret in its environment', () => {
  const names = (queue: TaskQueue) =>
    Object.keys(heldBy(queue)).filter((name) => /^(AWS_(?!SDK_JS)|AZURE|GOOGLE|CAPSTAN_SECRET|SHOP|PG)/.test(name))
  expect(names('control')).toEqual([])
  expect(names('postgres').sort()).toEqual(['CAPSTAN_SECRETS_FOLDER', 'CAPSTAN_SECRET_KEY_FILE'])
  expect(names('aws').filter((name) => !name.startsWith('AWS'))).toEqual(['CAPSTAN_SECRET_KEY_FILE'])
  expect(names('azure').filter((name) => !name.startsWith('AZURE'))).toEqual(['CAPSTAN_SECRET_KEY_FILE'])
  expect(names('gcp').sort()).toEqual(['CAPSTAN_SECRET_KEY_FILE', 'GOOGLE_APPLICATION_CREDENTIALS'])
  const passwords = [...new Set(readSecrets())]
  for (const queue of QUEUES) {
    for (const value of Object.values(heldBy(queue))) for (const word of passwords) expect(value).not.toContain(word)
  }
})

/** Whoever is not root cannot start a process as somebody else. */
const testAsRoot = process.getuid?.() === 0 ? test : test.skip

testAsRoot('workers run as the user of the file, which is not root (only root can start them as that user)', () => {
  for (const queue of QUEUES) {
    const status = readFileSync(`/proc/${pidOf(queue)}/status`, 'utf8')
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(serviceOf(`worker-${queue}`).user?.split(':')[0])
  }
})

test('a migration on AWS runs through its three workers and no other, started by the command line of the image', async () => {
  const fleet = target.fleet(FIRST, '', (yaml) =>
    yaml
      .replace('env:SHOP_ADMIN_PASSWORD', `file:${join(secrets, 'databases/stock-admin')}`)
      .replace('env:SHOP_MIGRATOR_PASSWORD', `file:${join(secrets, 'databases/stock-migrator')}`),
  )
  const { code, out } = await runContainer(ground, 'capstan', ['migrate', 'stock', '--fleet', fleet, '--json'])
  const operation = JSON.parse(out) as OperationDocument
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(code).toBe(0)
  expect(await actors(operation.id)).toEqual(
    Object.fromEntries((['control', 'postgres', 'aws'] as const).map((queue) => [queue, [`capstan-${queue}@${pidOf(queue)}`]])),
  )
  const listed = await runContainer(ground, 'capstan', ['ops', 'list', '--json'])
  expect(JSON.parse(listed.out)).toMatchObject({ operations: [{ id: operation.id, verdict: 'pass' }] })
})

test("a fleet file that refers to a worker's own secret does not get it", async () => {
  const own = join(secrets, 'secret-key')
  const fleet = target.fleet(FIRST, '', (yaml) => yaml.replace('env:SHOP_ADMIN_PASSWORD', `file:${own}`))
  const { code, out } = await runContainer(ground, 'capstan', ['migrate', 'stock', '--plan', '--fleet', fleet, '--json'])
  expect(JSON.parse(out)).toMatchObject({ failure: { code: 'SECRET_UNRESOLVED' } })
  expect(code).toBe(2)
})

test('workers are healthy, and say so when they hang, or when the ledger or Temporal is out of reach, until it is over', async () => {
  await allHealthy()
  workerOf('aws').process.kill('SIGSTOP')
  await ledger.server.stop('fast')
  expect(await healthOf(workerOf('control'), false)).toMatch(/ledger .* cannot be reached/)
  ledger.server = await ledger.start()
  await healthOf(workerOf('control'), true)
  wire.cut()
  expect(await healthOf(workerOf('control'), false)).toBe('Temporal does not answer about the queue control.')
  wire.mend()
  expect(await healthOf(workerOf('aws'), false)).toMatch(/hangs, or is gone/)
  workerOf('aws').process.kill('SIGCONT')
  await allHealthy()
})

test('SIGTERM ends a worker within its grace, with code 0, and it is not healthy any more', async () => {
  for (const queue of ['postgres', 'aws'] as const) {
    expect(await workerOf(queue).stop()).toEqual({ code: 0, signal: null })
    expect(await workerOf(queue).health()).toMatchObject({ healthy: false, said: expect.stringMatching(/has stopped/) })
  }
})

test('it does also while Temporal is out of reach', async () => {
  wire.cut()
  await healthOf(workerOf('control'), false)
  expect(await workerOf('control').stop()).toEqual({ code: 0, signal: null })
})

test('everything that a worker says is a line of JSON', () => {
  for (const worker of workers.values()) {
    for (const line of worker.said().trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow()
  }
})

function workerOf(queue: TaskQueue): Container {
  const worker = workers.get(queue)
  if (worker === undefined) throw new Error(`no worker for ${queue}`)
  return worker
}

async function allHealthy(): Promise<void> {
  for (const worker of workers.values()) await healthOf(worker, true)
}

/** What the process was really given, where the system tells. */
function heldBy(queue: TaskQueue): Readonly<Record<string, string>> {
  const worker = workerOf(queue)
  if (process.platform !== 'linux') return worker.environment
  const entries = readFileSync(`/proc/${worker.process.pid}/environ`, 'utf8').split('\0').filter(Boolean)
  return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
}

function readSecrets(): string[] {
  const { stack } = capstan
  const files = ['temporal-db-password', 'ledger-owner-password', 'ledger-owner-url', 'ledger-worker-url', 'secret-key']
  return [...files.map(secret), stack.lab.aws.secretAccessKey, stack.secrets.shopAdmin, stack.secrets.shopMigrator]
}

/** By queue: who ran the activities of an operation, without the host's name. */
async function actors(operation: string): Promise<Record<string, string[]>> {
  const client = new Client({ connection, namespace: namespace() })
  const { events } = await client.workflow.getHandle(operation).fetchHistory()
  const queues = new Map<string, string>()
  const found = new Map<string, Set<string>>()
  for (const {
    eventId,
    activityTaskScheduledEventAttributes: scheduled,
    activityTaskStartedEventAttributes: started,
  } of events ?? []) {
    if (scheduled) queues.set(String(eventId), scheduled.taskQueue?.name ?? '')
    const queue = started && queues.get(String(started.scheduledEventId))
    if (queue) found.set(queue, (found.get(queue) ?? new Set()).add(started.identity?.replace(/@[^@]*$/, '') ?? ''))
  }
  return Object.fromEntries([...found].map(([queue, identities]) => [queue, [...identities]]))
}

async function untilSome(ask: () => Promise<string[]>): Promise<string[]> {
  for (;;) {
    const found = await ask()
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Waits until the health check says that; resolves to its words. */
async function healthOf(worker: Container, healthy: boolean): Promise<string> {
  for (;;) {
    const now = await worker.health()
    if (now.healthy === healthy && !/not reported/.test(now.said)) return now.said
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
