/** Task queues → workers in one process, over one connection. */
import { readFileSync } from 'node:fs'
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
    return await NativeConnection.connect({ address: config.temporal.address })
  } catch (cause) {
    const { address } = config.temporal
    throw failure(
      'TEMPORAL_UNREACHABLE',
      `Temporal did not answer at ${address}. Start it, or set TEMPORAL_ADDRESS.`,
      { address },
      { cause },
    )
  }
}

function optionsFor(queue: TaskQueue, connection: NativeConnection, config: WorkerConfig): WorkerOptions {
  return {
    connection,
    namespace: config.temporal.namespace,
    taskQueue: queue,
    identity: `capstan-${queue}@${process.pid}`,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    shutdownGraceTime: '500ms',
    shutdownForceTime: '1500ms',
    ...(queue === 'control'
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
