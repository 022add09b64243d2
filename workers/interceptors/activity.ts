/** Around every activity: its act, its heartbeat, its failpoints, its attempt in the ledger, its failure in Temporal's words. */
import type { Context } from '@temporalio/activity'
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker'
import { runAct } from '../../activities/act'
import type { Ledger } from '../../ledger/ledger'
import type { Failpoint } from '../failpoint'
import { toTemporalFailure } from './failures'
import { startHeartbeat } from './heartbeat'

export interface ActivityInterceptorDeps {
  readonly ledger: Pick<Ledger, 'noteAttempt'>
  /** Null: no failpoints, nothing is counted. */
  readonly failpoint: Failpoint | null
}

/** Polls are repeated by design: their attempts are no sign of trouble. */
function isPoll(activityType: string): boolean {
  return activityType.startsWith('await')
}

type ExecuteNext = Next<ActivityInboundCallsInterceptor, 'execute'>

/** Calls of each activity for each operation in this process, for failpoints. */
const calls = new Map<string, number>()

function countCall(workflowId: string, activity: string): number {
  const key = `${workflowId} ${activity}`
  const n = (calls.get(key) ?? 0) + 1
  calls.set(key, n)
  return n
}

function stepOf(input: ActivityExecuteInput): { operation: string; step: string } | null {
  const [first] = input.args
  if (typeof first !== 'object' || first === null) return null
  const { operation, step } = first as { operation?: unknown; step?: unknown }
  return typeof operation === 'string' && typeof step === 'string' ? { operation, step } : null
}

export function activityInterceptor(context: Context, deps: ActivityInterceptorDeps): ActivityInboundCallsInterceptor {
  return {
    async execute(input: ActivityExecuteInput, next: ExecuteNext): Promise<unknown> {
      const { activityType, attempt } = context.info
      const n = deps.failpoint === null ? 0 : countCall(context.info.workflowExecution?.workflowId ?? '', activityType)
      const heartbeat = startHeartbeat(context)
      const signal = AbortSignal.any([context.cancellationSignal, heartbeat.signal])
      try {
        deps.failpoint?.(activityType, n, 'before')
        const step = stepOf(input)
        if (attempt > 1 && step !== null && !isPoll(activityType)) await deps.ledger.noteAttempt({ ...step, attempt })
        const act = { attempt, signal, stale: heartbeat.stale, client: context.client }
        const result = await runAct(act, () => next(input))
        deps.failpoint?.(activityType, n, 'after')
        return result
      } catch (error) {
        throw toTemporalFailure(error, { cancelled: context.cancellationSignal, stale: heartbeat.signal })
      } finally {
        heartbeat.stop()
      }
    },
  }
}
