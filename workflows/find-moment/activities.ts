/** The find-moment runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { PredicateActivities, SearchActivities } from '../../activities/moment/contract'
import type { FindMomentInput } from '../../contracts/find-moment'
import { TASK_QUEUES } from '../../contracts/messages'
import { askFirst, canaryAct, longAct, quickAct } from '../kit/proxies'
import { restoreActivities } from '../restore/activities'

export function findMomentActivities(input: Pick<FindMomentInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const { cloud, heartbeatTimeoutMs } = input
  const long = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  return {
    ...restoreActivities(input),
    searching: proxyActivities<SearchActivities>(askFirst(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs))),
    preparing: proxyActivities<PredicateActivities>(askFirst(long)),
    /** On a copy. */
    predicate: proxyActivities<PredicateActivities>(canaryAct(long)),
    recording: proxyActivities<PredicateActivities>(quickAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
  }
}
