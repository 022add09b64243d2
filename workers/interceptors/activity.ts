/** Around every activity: its act, its heartbeat, its failpoints, its attempt in the ledger, its failure in Temporal's words. */
import type { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker'
import { runAct } from '../../activities/act'
import type { Ledger } from '../../ledger/ledger'
import type { ActivityCall, Failpoints } from '../failpoint'
import { toTemporalFailure } from './failures'
import { startHeartbeat } from './heartbeat'

export interface ActivityInterceptorDeps {
  readonly ledger: Pick<Ledger, 'noteAttempt'>
  /** Null: no failpoints, nothing is counted. */
  readonly failpoints: Failpoints | null
}

/** Polls are repeated by design: their attempts are no sign of trouble. */
function isPoll(activityType: string): boolean {
  return activityType.startsWith('await')
}

type ExecuteNext = Next<ActivityInboundCallsInterceptor, 'execute'>

function callOf({ activityType, activityId, workflowExecution }: Context['info']): ActivityCall {
  return { activity: activityType, run: `${workflowExecution?.workflowId} ${workflowExecution?.runId}`, activityId }
}

const ANSWER_TIMEOUT_MS = 5_000

/** The activity as the server has it; null: it is none that it waits for. A run that was terminated or reset keeps its list of them. */
async function pendingActivity({ info, client }: Context) {
  const { workflowId = '', runId } = info.workflowExecution ?? {}
  const handle = client.workflow.getHandle(workflowId, runId)
  const { raw, status } = await client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () => handle.describe())
  if (status.name !== 'RUNNING') return null
  return raw.pendingActivities?.find(({ activityId }) => activityId === info.activityId) ?? null
}

/** The server drops an activity from the pending ones when it has its result. */
async function hasResult(context: Context): Promise<boolean> {
  return (await pendingActivity(context)) === null
}

/** A local activity belongs to the workflow task that runs it, of which the server knows alone. Numbers of attempts begin again when an
 *  activity is reset; the time at which the server scheduled one does not. */
async function isCurrent(context: Context): Promise<boolean> {
  const { isLocal, attempt, currentAttemptScheduledTimestampMs: scheduledAtMs } = context.info
  if (isLocal) return true
  const pending = await pendingActivity(context)
  if (pending === null || pending.attempt !== attempt) return false
  const { seconds, nanos } = pending.scheduledTime ?? {}
  return seconds === undefined || seconds === null || Number(seconds) * 1_000 + Math.floor((nanos ?? 0) / 1e6) === scheduledAtMs
}

function stepOf(input: ActivityExecuteInput): { operation: string; step: string } | null {
  const [first] = input.args
  if (typeof first !== 'object' || first === null) return null
  const { operation, step } = first as { operation?: unknown; step?: unknown }
  return typeof operation === 'string' && typeof step === 'string' ? { operation, step } : null
}

function passFailpoints({ failpoints }: ActivityInterceptorDeps, context: Context): void {
  const call = callOf(context.info)
  failpoints?.reach(call, 'after')
  if (!context.info.isLocal) failpoints?.leave(call, () => hasResult(context))
}

export function activityInterceptor(context: Context, deps: ActivityInterceptorDeps): ActivityInboundCallsInterceptor {
  return {
    async execute(input: ActivityExecuteInput, next: ExecuteNext): Promise<unknown> {
      const { activityType, attempt, currentAttemptScheduledTimestampMs: scheduledAtMs } = context.info
      const heartbeat = startHeartbeat(context)
      const signal = AbortSignal.any([context.cancellationSignal, heartbeat.signal])
      try {
        deps.failpoints?.reach(callOf(context.info), 'before')
        const step = stepOf(input)
        if (attempt > 1 && step !== null && !isPoll(activityType)) await deps.ledger.noteAttempt({ ...step, attempt })
        const act = {
          attempt,
          scheduledAtMs,
          signal,
          stale: heartbeat.stale,
          client: context.client,
          isCurrent: () => isCurrent(context),
          kept: heartbeat.kept,
          keep: heartbeat.keep,
          log: (message: string, facts: object) => context.log.warn(message, { ...facts }),
        }
        const result = await runAct(act, () => next(input))
        passFailpoints(deps, context)
        return result
      } catch (error) {
        const failed = toTemporalFailure(error, { cancelled: context.cancellationSignal, stale: heartbeat.signal })
        // A failure is a result too, unless it is retried.
        if (failed instanceof ApplicationFailure && failed.nonRetryable) passFailpoints(deps, context)
        throw failed
      } finally {
        heartbeat.stop()
      }
    },
  }
}
