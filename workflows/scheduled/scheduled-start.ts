/** One run of a schedule: opens the operation as a door would, starts it, and waits for its end. It waits because a schedule tells by this workflow
 *  whether the run before is still going on. The operation is its own: neither the end nor the cancellation of this workflow touches it, and
 *  how it ended is on its record, so that a failed one ends this workflow well. */
import { defineSearchAttributeKey, TypedSearchAttributes, WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { CancellationScope, isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { LedgerActivities } from '../../activities/ledger/contract'
import type { OpenedOperation, ScheduleActivities } from '../../activities/schedule/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { ScheduledStartInput, ScheduledStartResult } from '../../contracts/schedule'
import { startOnItsOwn } from '../kit/abandoned'
import { isDefect } from '../kit/failures'
import { quickAct } from '../kit/proxies'

export async function scheduledStart(input: ScheduledStartInput): Promise<ScheduledStartResult> {
  const act = quickAct(TASK_QUEUES.control, input.heartbeatTimeoutMs)
  const { openScheduled } = proxyActivities<ScheduleActivities>(act)
  const { awaitOperationEnd } = proxyActivities<LedgerActivities>(act)
  const { operation, start } = await openScheduled({ ...input, run: workflowInfo().workflowId })
  if (start === null) return { operation, started: false }
  try {
    await runToItsEnd(start, input.workflowTaskTimeoutMs)
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      // This run was reset, or asked for once more, while the operation goes on.
      await awaitOperationEnd({ operation, step: 'scheduled-start' })
      return { operation, started: false }
    }
    if (isDefect(error) || isCancellation(error)) throw error
  }
  return { operation, started: true }
}

/** Started under the same terms as by any other door. */
async function runToItsEnd(start: NonNullable<OpenedOperation['start']>, workflowTaskTimeout: number): Promise<void> {
  const { workflow, summary, input, attributes } = start
  const operation = await startOnItsOwn(workflow, {
    workflowId: input.operation,
    args: [input],
    typedSearchAttributes: new TypedSearchAttributes(
      Object.entries(attributes).map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value })),
    ),
    staticSummary: summary,
    workflowTaskTimeout,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  })
  await Promise.race([operation.result(), CancellationScope.current().cancelRequested])
}
