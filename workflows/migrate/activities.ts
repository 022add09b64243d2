/** The migrate runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { CheckActivities } from '../../activities/checks/contract'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { ReplicationActivities, StandbyPlaceActivities } from '../../activities/replication/contract'
import type { SchemaActivities } from '../../activities/schema/contract'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { DeclaredFollower, MigrateInput } from '../../contracts/migrate'
import { askFirst, canaryAct, claimedSoon, longAct, quickAct, standbyAct, undoAct, undoWait } from '../kit/proxies'

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

/** Of one of its standbys. */
export function followerActivities(
  { heartbeatTimeoutMs }: Pick<MigrateInput, 'heartbeatTimeoutMs'>,
  { cloud }: DeclaredFollower,
) {
  const atItsCloud = quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)
  return {
    planning: proxyActivities<StandbyPlaceActivities>(askFirst(claimedSoon(atItsCloud))),
    asking: proxyActivities<StandbyPlaceActivities>(standbyAct(atItsCloud)),
    carrying: proxyActivities<ReplicationActivities>(standbyAct(longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs))),
  }
}
