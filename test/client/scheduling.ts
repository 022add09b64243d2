/** What tests of schedules share: a real Temporal server, a real ledger, a fleet, and a worker when one is wanted. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
import { createLedgerActivities } from '../../activities/ledger/ledger'
import { createLockActivities } from '../../activities/lock/lock'
import { createScheduleActivities } from '../../activities/schedule/schedule'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { putSchedule } from '../../client/schedules/put-schedule'
import { connectTemporal, type TemporalDoor } from '../../client/temporal'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { ScheduledRun, ScheduleTiming } from '../../contracts/schedule'
import { scheduleRequester } from '../../contracts/schedule'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { activityInterceptor } from '../../workers/interceptors/activity'
import { freePort, startTestServer, type TestServer } from '../ledger/postgres-server'
import { until } from '../support/eventually'
import { type CliRun, capstan } from './recorded-io'
import { type Kept, startTestTemporal, type TestTemporal } from './temporal-server'

export interface Scheduling {
  readonly ledger: Ledger
  readonly temporal: TemporalDoor
  readonly fleetFile: string
  cli(args: readonly string[], more?: Record<string, string>): Promise<CliRun>
  /** As `capstan schedule add` does, also with times that are too short for people. */
  add(database: string, timing: ScheduleTiming, more?: { catchUpMs?: number; waitForLockMs?: number }): Promise<void>
  withWorker<T>(work: () => Promise<T>): Promise<T>
  /** Of that database's schedule, newest first. */
  runs(database: string): Promise<readonly ScheduledRun[]>
  until(what: string, reached: () => Promise<boolean>): Promise<void>
  /** Ends Temporal's server, and starts it again with what it knew at that moment. Resolves to the moments from and until which it was certainly away. */
  restartTemporal(at: number): Promise<{ gone: number; back: number }>
}

export interface SchedulingOptions {
  /** Temporal's server keeps what it knows on the disk. */
  readonly kept?: boolean
  /** The file that has the worker's workflows. */
  readonly workflows?: string
}

const DATABASES = ['quick', 'fails', 'waits', 'other']

export function fleetOf(databases: readonly string[]): string {
  const [head = '', entry = ''] = readFileSync(join(__dirname, 'fleet-example.yaml'), 'utf8').split(/(?<=databases:\n)/)
  return head + databases.map((name) => entry.replace('name: shop', `name: ${name}`)).join('')
}

/** Registers the file's set-up and tear-down. */
export function scheduling({
  kept: keeps = false,
  workflows = require.resolve('./workflows/scheduled.ts'),
}: SchedulingOptions = {}): Scheduling {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-schedules-'))
  const fleetFile = join(folder, 'fleet.yaml')
  writeFileSync(fleetFile, fleetOf(DATABASES))
  const entries = new Map<string, DatabaseEntry>(parseFleet(fleetOf(DATABASES), 'fleet').databases.map((one) => [one.name, one]))
  let server: TestServer
  let kept: Kept | undefined
  let temporalServer: TestTemporal
  let ledger: Ledger
  let temporal: TemporalDoor
  let env: Record<string, string>
  let workflowBundle: Promise<WorkflowBundleWithSourceMap> | undefined

  beforeAll(async () => {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
    })
    if (keeps) kept = { databaseFile: join(folder, 'temporal.db'), port: await freePort() }
    ;[server, temporalServer] = await Promise.all([startTestServer(), startTestTemporal(kept)])
    const ledgerUrl = await server.freshDatabase()
    ledger = openLedger({ url: ledgerUrl })
    await ledger.migrate()
    temporal = await connectTemporal({ address: temporalServer.address, namespace: 'default' })
    env = { TEMPORAL_ADDRESS: temporalServer.address, CAPSTAN_LEDGER_URL: ledgerUrl, CAPSTAN_FLEET: fleetFile }
  })
  afterAll(async () => {
    await temporal?.close()
    await ledger?.close()
    await Promise.all([server?.stop(), temporalServer?.stop()])
    rmSync(folder, { recursive: true })
  })

  const tools: Scheduling = {
    get ledger() {
      return ledger
    },
    get temporal() {
      return temporal
    },
    fleetFile,
    cli: (args, more = {}) => capstan(args, { env: { ...env, ...more } }),
    async add(database, timing, { catchUpMs = 3_600_000, waitForLockMs = 0 } = {}) {
      const entry = entries.get(database)
      if (entry === undefined) throw new Error(`the fleet has no ${database}`)
      const from = {
        name: { kind: 'snapshot', database },
        addedBy: 'ada',
        heartbeatTimeoutMs: 5_000,
        workflowTaskTimeoutMs: 10_000,
      } as const
      await putSchedule({ ledger, temporal }, { ...from, entry, timing, jitterMs: 0, catchUpMs, waitForLockMs })
    },
    async withWorker(work) {
      const connection = await NativeConnection.connect({ address: temporalServer.address })
      workflowBundle ??= bundleWorkflowCode({
        workflowsPath: workflows,
        logger: new DefaultLogger('ERROR'),
      })
      const worker = await Worker.create({
        connection,
        taskQueue: 'control',
        workflowBundle: await workflowBundle,
        stickyQueueScheduleToStartTimeout: '1s',
        activities: {
          ...createLedgerActivities({ ledger }),
          ...createLockActivities({ ledger }),
          ...createScheduleActivities({ ledger }),
        },
        interceptors: { activity: [(context) => ({ inbound: activityInterceptor(context, { ledger, failpoints: null }) })] },
      })
      try {
        return await worker.runUntil(work())
      } finally {
        await connection.close()
      }
    },
    async runs(database) {
      const requester = scheduleRequester({ kind: 'snapshot', database })
      return (await ledger.listScheduledRuns({ requesters: [requester], each: 100 })).get(requester) ?? []
    },
    until,
    async restartTemporal(at) {
      await temporalServer.stop()
      const gone = Date.now()
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - gone)))
      const back = Date.now()
      temporalServer = await startTestTemporal(kept)
      return { gone, back }
    },
  }
  return tools
}
