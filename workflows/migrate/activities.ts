/** The migrate runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { CheckActivities } from '../../activities/checks/contract'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { SchemaActivities } from '../../activities/schema/contract'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { MigrateInput } from '../../contracts/migrate'
import { askFirst, canaryAct, longAct, quickAct, undoAct, undoWait } from '../kit/proxies'

export function migrateActivities({ cloud, heartbeatTimeoutMs }: Pick<MigrateInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const cloudQueue = TASK_QUEUES[cloud]
  return {
    snapshot: proxyActivities<SnapshotActivities>(quickAct(cloudQueue, heartbeatTimeoutMs)),
    instance: proxyActivities<InstanceActivities>(quickAct(cloudQueue, heartbeatTimeoutMs)),
    /** On the target. */
    schema: proxyActivities<SchemaActivities>(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    checks: proxyActivities<CheckActivities>(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    canarySchema: proxyActivities<SchemaActivities>(canaryAct(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))),
    canaryChecks: proxyActivities<CheckActivities>(canaryAct(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))),
    /** Long patience: it shuts out an attempt that may still be running. */
    surveying: proxyActivities<SchemaActivities>(undoAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    planning: proxyActivities<SchemaActivities>(askFirst(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))),
    asking: proxyActivities<InstanceActivities>(askFirst(quickAct(cloudQueue, heartbeatTimeoutMs))),
    undoing: proxyActivities<InstanceActivities>(undoAct(cloudQueue, heartbeatTimeoutMs)),
    undoWaiting: proxyActivities<InstanceActivities>(undoWait(cloudQueue, heartbeatTimeoutMs)),
  }
}
