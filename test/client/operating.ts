/** What tests of operations share: a real Temporal server, a real ledger, a fleet whose databases' names say how the workflow behaves, and a
 *  worker when one is wanted. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
import { connectTemporal, type TemporalDoor } from '../../client/temporal'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from '../ledger/postgres-server'
import { type CliEnvironment, type CliRun, capstan } from './recorded-io'
import { startTestTemporal, type TestTemporal } from './temporal-server'

export interface Operating {
  readonly folder: string
  readonly ledger: Ledger
  readonly temporal: TemporalDoor
  readonly env: Readonly<Record<string, string>>
  cli(args: readonly string[], more?: Record<string, string>, how?: Omit<CliEnvironment, 'env'>): Promise<CliRun>
  /** Starts an operation on that database and does not wait. Resolves to its id. */
  started(database: string, ...args: string[]): Promise<string>
  withWorker<T>(work: () => Promise<T>): Promise<T>
}

// The server lets several seconds pass before a third attempt: one that failed is enough here.
export const VIGILANT = { lookEveryMs: 100, attemptsTolerated: 1 }

/** Registers the file's set-up and tear-down. */
export function operating(): Operating {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-operations-'))
  let server: TestServer
  let temporalServer: TestTemporal
  let ledger: Ledger
  let temporal: TemporalDoor
  let env: Record<string, string>
  let count = 0
  let workflowBundle: Promise<WorkflowBundleWithSourceMap> | undefined

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
    env = { TEMPORAL_ADDRESS: temporalServer.address, CAPSTAN_LEDGER_URL: ledgerUrl, CAPSTAN_FLEET: fleetFile(folder) }
  })
  afterAll(async () => {
    await temporal?.close()
    await ledger?.close()
    await Promise.all([server?.stop(), temporalServer?.stop()])
    rmSync(folder, { recursive: true })
  })

  const tools: Operating = {
    folder,
    get ledger() {
      return ledger
    },
    get temporal() {
      return temporal
    },
    get env() {
      return env
    },
    cli: (args, more = {}, how = {}) => {
      const vigilance = { ...VIGILANT, ...how.vigilance }
      return capstan(args, { ...how, env: { ...env, ...more }, vigilance })
    },
    async started(database, ...args) {
      const id = `migrate-${database}-${++count}`
      const run = await tools.cli(['migrate', database, '--no-wait', '--json', '--operation', id, ...args])
      expect(run).toMatchObject({ exit: 0, json: { id, status: 'running' } })
      return id
    },
    async withWorker(work) {
      const connection = await NativeConnection.connect({ address: temporalServer.address })
      workflowBundle ??= bundleWorkflowCode({ workflowsPath: require.resolve('./workflows/migrate.ts') })
      const worker = await Worker.create({
        connection,
        taskQueue: 'control',
        workflowBundle: await workflowBundle,
        stickyQueueScheduleToStartTimeout: '1s',
        activities: {
          async ask() {
            throw new Error('the cloud says no')
          },
        },
      })
      try {
        return await worker.runUntil(work())
      } finally {
        await connection.close()
      }
    },
  }
  return tools
}

function fleetFile(folder: string): string {
  mkdirSync(join(folder, 'migrations'))
  writeFileSync(join(folder, 'migrations', 'V1__a.sql'), 'SELECT 1;')
  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other', 'V1__a.sql'), 'SELECT 2;')
  const [head = '', entry = ''] = readFileSync(join(__dirname, 'fleet-example.yaml'), 'utf8').split(/(?<=databases:\n)/)
  const entries = ['waits', 'parked', 'fails', 'retries'].map((name) => entry.replace('name: shop', `name: ${name}`))
  const file = join(folder, 'fleet.yaml')
  writeFileSync(file, head + entries.join(''))
  return file
}
