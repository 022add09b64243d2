/** Has workers look at a database: one of its cloud, which knows where it is, and one that serves databases. Changes nothing. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkflowHandle } from '@temporalio/client'
import { Failure, failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import { TASK_QUEUES } from '../contracts/messages'
import { SCOUT_WORKFLOW, type ScoutInput, type WorkerScout } from '../contracts/scout'
import type { Doors } from './decide'
import type { Vigilance } from './health-watch'
import { hasTimedOut, type TemporalDoor, temporalFailure } from './temporal'
import { checkWorkflow } from './workflow-health'

/** Every database of an instance may be many; a queue that nobody serves is told long before. */
const ANSWER_TIMEOUT_MS = 15 * 60_000

const CANCEL_TIMEOUT_MS = 3_000
/** Looks in a row that Temporal may leave unanswered. */
const UNANSWERED_TOLERATED = 2

/** Whoever looks. */
export interface Looking {
  /** The fleet name of what is looked at. */
  readonly name: string
  readonly vigilance: Vigilance
  readonly signal: AbortSignal
}

export interface WorkerLook extends Pick<Looking, 'vigilance' | 'signal'> {
  readonly entry: DatabaseEntry
  readonly everyDatabase: boolean
  readonly heartbeatTimeoutMs: number
}

/** Fails as `askWorkers` does, with INSTANCE_NOT_FOUND, ACCOUNT_MISMATCH, RESOURCE_FAILED, as `examine` does, and with the
 *  codes of clouds, secrets, Temporal and ledger. */
export async function lookByWorkers({ ledger, temporal }: Doors, look: WorkerLook): Promise<WorkerScout> {
  const { entry, everyDatabase, heartbeatTimeoutMs, vigilance, signal } = look
  const common = { everyDatabase, heartbeatTimeoutMs, unclaimedTimeoutMs: vigilance.unclaimedMs }
  const bundle = await ledger.putBundle({ version: 1, database: entry, migrations: [] })
  const input: ScoutInput = { bundle, cloud: entry.cloud, ...common }
  const asked = { workflow: SCOUT_WORKFLOW, called: 'scout', input }
  return askWorkers<ScoutInput, WorkerScout>(temporal, asked, { name: entry.name, vigilance, signal })
}

/** A workflow that looks, changes nothing and keeps no record. Fails with NOT_READY_YET when no worker answers, and as the workflow does. */
export async function askWorkers<Input, Result>(
  temporal: TemporalDoor,
  { workflow, called, input }: { readonly workflow: string; readonly called: string; readonly input: Input },
  look: Looking,
): Promise<Result> {
  const { name, signal } = look
  try {
    const handle = await temporal.client.workflow.start<(input: Input) => Promise<Result>>(workflow, {
      workflowId: `${called}-${name}-${randomUUID()}`,
      taskQueue: TASK_QUEUES.control,
      args: [input],
      workflowExecutionTimeout: ANSWER_TIMEOUT_MS,
      staticSummary: `Looks at ${name}: changes nothing`,
    })
    return await answerOf<Input, Result>(handle, temporal, look)
  } catch (error) {
    signal.throwIfAborted()
    if (await hasTimedOut(error)) {
      throw notReady(look, `Workers were not done within ${ANSWER_TIMEOUT_MS / 60_000} min: look at fewer databases at a time.`)
    }
    throw temporalFailure(error, temporal.target)
  }
}

/** Whoever leaves, or finds that nobody is at work, leaves nothing behind that looks on for nobody. */
async function answerOf<Input, Result>(
  handle: WorkflowHandle<(input: Input) => Promise<Result>>,
  temporal: TemporalDoor,
  look: Looking,
): Promise<Result> {
  const over = new AbortController()
  const result = handle.result()
  const watch = assertAtWork(handle, temporal, look, AbortSignal.any([over.signal, look.signal]))
  // Only the first of them is heard.
  for (const outcome of [result, watch]) outcome.catch(() => undefined)
  try {
    return await Promise.race([result, watch])
  } catch (error) {
    if (error instanceof Failure || look.signal.aborted) {
      await temporal.within(CANCEL_TIMEOUT_MS, () => handle.cancel()).catch(() => undefined)
    }
    throw error
  } finally {
    over.abort()
  }
}

interface Waiting {
  /** Null: for none. */
  readonly task: string | null
  readonly since: number
}

/** Never resolves. Fails when no worker takes the workflow's task up, when its code fails, or with the signal's reason. */
async function assertAtWork(
  { workflowId }: Pick<WorkflowHandle, 'workflowId'>,
  temporal: TemporalDoor,
  look: Looking,
  signal: AbortSignal,
): Promise<never> {
  const { vigilance } = look
  let waiting: Waiting = { task: null, since: 0 }
  for (let unanswered = 0; ; ) {
    await sleep(vigilance.lookEveryMs, undefined, { signal }).catch(() => undefined)
    signal.throwIfAborted()
    const health = await checkWorkflow(temporal, workflowId, vigilance.attemptsTolerated).catch((error: unknown) => {
      unanswered += 1
      if (unanswered > UNANSWERED_TOLERATED) throw error
      return null
    })
    if (health === null) continue
    unanswered = 0
    if (health.state === 'parked')
      throw notReady(look, `Workers cannot look: ${health.reason}. Check that they are of this version.`)
    const task = health.state === 'running' && health.unclaimed?.what === 'its next task' ? health.unclaimed.key : null
    waiting = task === waiting.task ? waiting : { task, since: Date.now() }
    if (task === null || Date.now() - waiting.since <= vigilance.unclaimedMs) continue
    throw notReady(look, 'No worker took the work for control in time: check that workers for control run.')
  }
}

function notReady({ name }: Pick<Looking, 'name'>, message: string): Failure {
  return failure('NOT_READY_YET', message, { database: name })
}
