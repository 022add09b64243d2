/** What the suites of the fault matrix have in common: a stack with short recovery time-outs, and the cell: one operation under traffic,
 *  disturbed once, audited afterwards. */
import { abort } from '../../../client/abort'
import { prepareMigrate } from '../../../client/prepare-migrate'
import { startMigrate } from '../../../client/start-migrate'
import { prepareSnapshot, startSnapshot } from '../../../client/start-snapshot'
import { connectTemporal, type TemporalDoor } from '../../../client/temporal'
import { FINAL_STATUSES, type OperationDocument, type StepState } from '../../../contracts/operation'
import { applyMigrations } from '../../../postgres/migrate/apply'
import { resolveMigrations } from '../../../postgres/migrate/resolve'
import { audit } from '../../support/auditor'
import type { CapstanOptions, CapstanStack } from '../../support/capstan-stack'
import { type LabDoor, labDoor } from '../../support/lab'
import { isAt, type Migrating, migrating } from '../../support/migrating'
import type { Target } from '../../support/target'
import { startWriter } from '../../support/writer'
import { effectsOf } from './effects'
import { GROUND, type Scenario } from './scenarios'

/** Short, so that a worker's death is noticed soon; longer than a busy machine keeps a process waiting. */
export const HEARTBEAT_TIMEOUT_MS = 2_000
const WORKFLOW_TASK_TIMEOUT_MS = 3_000
/** Long enough for a second look. */
const POLICY = '      bake: 1s\n'

export interface Disturbance {
  /** Arranged before the operation starts. */
  readonly before?: (operation: string) => Promise<void> | void
  /** Done while it runs. */
  readonly during?: (operation: string) => Promise<void>
  /** At the end, whatever happened. */
  readonly after?: () => Promise<void> | void
  /** Changes the fleet file. */
  readonly fleet?: (yaml: string) => string
  readonly heartbeatTimeoutMs?: number
}

export interface Crashing extends Migrating {
  readonly lab: LabDoor
  /** Empties the target and applies what every scenario starts from. */
  ground(): Promise<void>
  start(scenario: Scenario, operation: string, how?: Pick<Disturbance, 'fleet' | 'heartbeatTimeoutMs'>): Promise<void>
  /** Resolves when the operation has a step in that state. */
  reaches(operation: string, step: string, state?: StepState): Promise<void>
  /** Resolves while the target runs the slow migration's transaction. */
  inMidMigration(): Promise<void>
  abort(operation: string): Promise<void>
  /** Resolves when the ledger and Temporal both say that it is over. */
  ended(operation: string): Promise<OperationDocument>
  /** Runs a cell; resolves to what is wrong afterwards, a sentence each. */
  cell(scenario: Scenario, operation: string, disturbance?: Disturbance): Promise<string[]>
  /** As `cell`, with the worker killed once at the failpoint. */
  killed(scenario: Scenario, operation: string, failpoint: string): Promise<string[]>
}

/** Registers the suite's set-up and tear-down. */
export function crashing(options?: () => CapstanOptions, create?: (capstan: CapstanStack) => Promise<Target>): Crashing {
  const it = migrating(options, create)
  let door: TemporalDoor
  beforeAll(async () => {
    door = await openDoor(it)
  })
  afterAll(() => door.close())
  return crashingAt(it, () => door)
}

export function openDoor({ capstan }: Migrating): Promise<TemporalDoor> {
  const { address, namespace } = capstan.stack.endpoints.temporal
  return connectTemporal({ address, namespace })
}

/** For whoever starts and closes the stack by itself. */
export function crashingAt(it: Migrating, door: () => TemporalDoor): Crashing {
  const tools: Omit<Crashing, keyof Migrating> = {
    get lab() {
      return labDoor(it.capstan)
    },
    async ground() {
      await it.target.reset()
      const resolved = resolveMigrations(Object.entries(GROUND).map(([script, content]) => ({ script, content })))
      await applyMigrations({ connect: () => it.target.migrator(), resolved })
    },
    async start(scenario, operation, { fleet, heartbeatTimeoutMs = HEARTBEAT_TIMEOUT_MS } = {}) {
      const fleetFile = it.target.fleet(scenario.migrations(it.target.host), POLICY, fleet)
      const doors = { ledger: it.capstan.ledger, temporal: door() }
      const request = {
        mode: 'apply',
        operation,
        requestedBy: 'matrix',
        heartbeatTimeoutMs,
        workflowTaskTimeoutMs: WORKFLOW_TASK_TIMEOUT_MS,
      } as const
      if (scenario.kind === 'migrate') {
        const { bundle } = await prepareMigrate({ fleetFile, database: 'stock', migrations: null })
        await startMigrate(doors, { ...request, bundle })
      } else {
        const bundle = await prepareSnapshot({ fleetFile, database: 'stock', retention: null })
        await startSnapshot(doors, { ...request, bundle })
      }
    },
    reaches: (operation, step, state = 'running') =>
      it.until(`${step} to be ${state}`, async () => isAt(await it.capstan.ledger.getOperation(operation), step, state)),
    inMidMigration: () =>
      it.until('the slow migration', async () => {
        const sleeping = await it.rows(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid <> pg_backend_pid()`)
        return sleeping.length > 0
      }),
    abort: (operation) =>
      abort({ ledger: it.capstan.ledger, temporal: door() }, { operation, by: 'matrix', reason: '', closeRecord: false }).then(
        () => undefined,
      ),
    async ended(operation) {
      await it.until(`the end of ${operation}`, async () => {
        // a server that is restarted just now is asked again
        const there = await door()
          .handle(operation)
          .describe()
          .catch(() => null)
        const document = await it.capstan.ledger.getOperation(operation)
        return there?.status.name !== 'RUNNING' && document !== null && FINAL_STATUSES.includes(document.status)
      })
      return it.operation(operation)
    },
    async cell(scenario, operation, { before, during, after, ...how } = {}) {
      await tools.ground()
      const since = await tools.lab.mark()
      const writer = startWriter(it.target)
      let ending: OperationDocument
      try {
        await before?.(operation)
        await tools.start(scenario, operation, how)
        await during?.(operation)
        ending = await tools.ended(operation)
      } finally {
        await writer.stop()
        await after?.()
      }
      const { status, verdict, failure } = ending
      const asExpected = status === scenario.ends.status && verdict === scenario.ends.verdict
      return [
        ...(asExpected
          ? []
          : [`it ended ${status}, verdict ${verdict}: ${failure?.code ?? 'no failure'} ${failure?.message ?? ''}`]),
        ...(await effectsOf(it, operation, scenario)),
        ...(await audit(it, { operation, acknowledged: writer.acknowledged, since })),
      ]
    },
    async killed(scenario, operation, failpoint) {
      const deaths = it.capstan.deaths()
      const wrong = await tools.cell(scenario, operation, { before: () => it.capstan.arm(failpoint) })
      const reached = !it.capstan.disarm(failpoint) && it.capstan.deaths() === deaths + 1
      return reached ? wrong : [`${failpoint} was never reached`, ...wrong]
    },
  }
  return Object.create(it, Object.getOwnPropertyDescriptors(tools)) as Crashing
}
