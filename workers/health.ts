/** A worker's own account of its health, for the container platform: a small file, rewritten every few seconds, that lists what is wrong.
 *  It asks what an operation needs: that Temporal answers and lists this very process as a poller of each of its queues, and that the
 *  ledger answers. A process that hangs leaves an old file, which is unhealthy too (`health-check.ts`). It restarts nothing by itself. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@temporalio/client'
import { temporal } from '@temporalio/proto'
import type { TaskQueue } from '../contracts/messages'
import type { Ledger } from '../ledger/ledger'

export interface HealthReport {
  readonly version: 1
  readonly at: string
  readonly pid: number
  /** One sentence each; empty: healthy. */
  readonly problems: readonly string[]
}

export interface Probe {
  /** Resolves when all is well; rejects with why not. */
  readonly ask: () => Promise<void>
  /** What is wrong when it does neither in time. */
  readonly silent: string
}

const INTERVAL_MS = 5_000
const PROBE_TIMEOUT_MS = 4_000
/** The server lists a poller for five minutes after its last poll, and a poll lasts a minute. */
const LAST_POLL_MAX_MS = 150_000

export interface Health {
  /** Ends the reports and removes the file: a stopped worker is not healthy. */
  stop(): Promise<void>
}

export function reportHealth(file: string, probes: readonly Probe[], intervalMs = INTERVAL_MS): Health {
  const ending = new AbortController()
  const reports = (async () => {
    while (!ending.signal.aborted) {
      const problems = (await Promise.all(probes.map(problemOf))).filter((problem) => problem !== null)
      if (ending.signal.aborted) return
      write(file, { version: 1, at: new Date().toISOString(), pid: process.pid, problems })
      await sleep(intervalMs, undefined, { signal: ending.signal, ref: false }).catch(() => undefined)
    }
  })()
  return {
    async stop() {
      ending.abort()
      await reports
      rmSync(file, { force: true })
    },
  }
}

async function problemOf(probe: Probe): Promise<string | null> {
  const late = new AbortController()
  const timeout = sleep(PROBE_TIMEOUT_MS, probe.silent, { signal: late.signal, ref: false }).catch(() => null)
  const answer = probe.ask().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  const problem = await Promise.race([answer, timeout])
  late.abort()
  return problem
}

/** A reader never sees half a report. A full or missing disk leaves the old one, which grows stale: unhealthy. */
function write(file: string, report: HealthReport): void {
  try {
    writeFileSync(`${file}.tmp`, `${JSON.stringify(report)}\n`)
    renameSync(`${file}.tmp`, file)
  } catch {
    // What cannot be written is missed by whoever reads.
  }
}

export interface PollerQuery {
  readonly connection: Pick<Connection, 'workflowService' | 'withDeadline'>
  readonly namespace: string
  readonly queue: TaskQueue
  readonly identity: string
}

/** Temporal answers, and says that this worker polls the queue. */
export function pollerProbe({ connection, namespace, queue, identity }: PollerQuery): Probe {
  const taskQueueType = temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
  const silent = `Temporal does not answer about the queue ${queue}.`
  const ask = () => connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType })
  return {
    silent,
    async ask() {
      const { pollers } = await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, ask).catch(() => {
        throw new Error(silent)
      })
      const own = pollers?.find((poller) => poller.identity === identity)
      const seconds = Number(own?.lastAccessTime?.seconds ?? 0)
      if (Date.now() - seconds * 1_000 <= LAST_POLL_MAX_MS) return
      throw new Error(`Temporal does not see this worker poll the queue ${queue}.`)
    },
  }
}

export function ledgerProbe(ledger: Pick<Ledger, 'ping'>): Probe {
  return { ask: () => ledger.ping(), silent: 'The ledger does not answer.' }
}
