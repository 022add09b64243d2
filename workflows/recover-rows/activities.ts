/** The recover-rows runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { RowsActivities } from '../../activities/rows/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { RecoverRowsInput } from '../../contracts/recover-rows'
import { askFirst, canaryAct, longAct, undoLong } from '../kit/proxies'
import { restoreActivities } from '../restore/activities'

export function recoverRowsActivities(input: Pick<RecoverRowsInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const long = longAct(TASK_QUEUES.postgres, input.heartbeatTimeoutMs)
  return {
    ...restoreActivities(input),
    examining: proxyActivities<RowsActivities>(askFirst(long)),
    /** Nothing was written yet: giving up is safe, and the copy costs. */
    surveying: proxyActivities<RowsActivities>(canaryAct(long)),
    writing: proxyActivities<RowsActivities>(long),
    settling: proxyActivities<RowsActivities>(undoLong(TASK_QUEUES.postgres, input.heartbeatTimeoutMs)),
  }
}
