/** Task queues → workers in one process, over one connection. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker'
import { createActivities } from '../activities'
import type { ActivityDeps } from '../activities/deps'
import { failure } from '../contracts/failures'
import type { TaskQueue } from '../contracts/messages'
import type { WorkerConfig } from './config'
import { type ActivityInterceptorDeps, activityInterceptor } from './interceptors/activity'

/** A cancellation reaches an activity by the answer to a heartbeat: the default throttle of 30 s would let it run to its end. */
const HEARTBEAT_THROTTLE_MS = 500

export interface RunningWorkers {
  /** Resolves when every worker has stopped; rejects when one broke. */
  readonly done: Promise<void>
  shutdown(): void
}

export async function connectTemporal(config: WorkerConfig): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(config.temporal.connection)
  } catch (cause) {
    const { address } = config.temporal
    const said = cause instanceof Error ? ` (${cause.message})` : ''
    throw failure(
      'TEMPORAL_UNREACHABLE',
      `Temporal did not let this worker in at ${address}${said}. Start it, or check TEMPORAL_ADDRESS and TEMPORAL_TLS_*.`,
      { address },
      { cause },
    )
  }
}

/** Whom Temporal shows as the one that polls. In containers every process has the same number. */
export function identityOf(queue: TaskQueue): string {
  return `capstan-${queue}@${process.pid}@${hostname()}`
}

/** Requests for work that are open at once, per queue and kind. A frozen worker's open requests are still given work, each a task that has to
 *  time out before another worker gets it: few of them, so that a fleet is not held up for long. Operations wait for clouds and databases, not
 *  for this. */
const POLLS = 3

/** Past the grace an activity has a second to end; then it is given up and runs again elsewhere. */
const FORCED_AFTER_GRACE_MS = 1_000

/** How long stopping may take at all: activities, and what the server still has to be told. */
export function stopLimitMs({ shutdownGraceMs }: WorkerConfig): number {
  return shutdownGraceMs + FORCED_AFTER_GRACE_MS + 3_000
}

function optionsFor(queue: TaskQueue, connection: NativeConnection, config: WorkerConfig): WorkerOptions {
  return {
    connection,
    namespace: config.temporal.namespace,
    taskQueue: queue,
    identity: identityOf(queue),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    maxConcurrentWorkflowTaskPolls: POLLS,
    maxConcurrentActivityTaskPolls: POLLS,
    shutdownGraceTime: config.shutdownGraceMs,
    shutdownForceTime: config.shutdownGraceMs + FORCED_AFTER_GRACE_MS,
    ...(queue === 'control' && config.workflowBundle !== null
      ? {
          workflowBundle: { code: readFileSync(config.workflowBundle, 'utf8') },
          stickyQueueScheduleToStartTimeout: config.stickyTimeoutMs,
          maxCachedWorkflows: 200,
        }
      : {}),
  }
}

export async function startWorkers(
  connection: NativeConnection,
  config: WorkerConfig,
  deps: ActivityDeps & ActivityInterceptorDeps,
): Promise<RunningWorkers> {
  const workers = await Promise.all(
    config.queues.map((queue) =>
      Worker.create({
        ...optionsFor(queue, connection, config),
        activities: createActivities(queue, deps),
        interceptors: { activity: [(context) => ({ inbound: activityInterceptor(context, deps) })] },
      }),
    ),
  )
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  }
  const runs = workers.map(async (worker) => {
    try {
      await worker.run()
    } catch (error) {
      // One broken worker takes the process down, so that a supervisor sees it.
      shutdown()
      throw error
    }
  })
  return { done: Promise.all(runs).then(() => undefined), shutdown }
}
