/** The restore runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { CheckActivities } from '../../activities/checks/contract'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { RestoreActivities } from '../../activities/restore/contract'
import type { SchemaActivities } from '../../activities/schema/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { RestoreInput } from '../../contracts/restore'
import { askFirst, canaryAct, longAct, quickAct, undoAct, undoWait } from '../kit/proxies'

export function restoreActivities({ cloud, heartbeatTimeoutMs }: Pick<RestoreInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const cloudQueue = TASK_QUEUES[cloud]
  return {
    planning: proxyActivities<RestoreActivities>(askFirst(quickAct(cloudQueue, heartbeatTimeoutMs))),
    /** Without an attempt limit, a copy's start too: where it is made inert only once it is restored, that goes on for hours. */
    instance: proxyActivities<InstanceActivities>(quickAct(cloudQueue, heartbeatTimeoutMs)),
    asking: proxyActivities<SchemaActivities>(askFirst(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))),
    schema: proxyActivities<SchemaActivities>(canaryAct(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))),
    checks: proxyActivities<CheckActivities>(canaryAct(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))),
    undoing: proxyActivities<InstanceActivities>(undoAct(cloudQueue, heartbeatTimeoutMs)),
    undoWaiting: proxyActivities<InstanceActivities>(undoWait(cloudQueue, heartbeatTimeoutMs)),
  }
}
