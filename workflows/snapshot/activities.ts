/** The snapshot runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { ManifestActivities } from '../../activities/proof/contract'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { SnapshotInput } from '../../contracts/snapshot'
import { askFirst, optionalAct, quickAct, regionAct, regionUndo, regionWait, undoWait } from '../kit/proxies'

export function snapshotActivities({ cloud, heartbeatTimeoutMs }: Pick<SnapshotInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const quick = quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)
  return {
    asking: proxyActivities<InstanceActivities>(askFirst(quick)),
    planning: proxyActivities<SnapshotActivities>(askFirst(quick)),
    snapshot: proxyActivities<SnapshotActivities>(quick),
    manifest: proxyActivities<ManifestActivities>(optionalAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    copying: proxyActivities<SnapshotActivities>(regionAct(quick)),
    copied: proxyActivities<SnapshotActivities>(regionWait(quick)),
    undoWaiting: proxyActivities<SnapshotActivities>(undoWait(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    takingBack: proxyActivities<SnapshotActivities>(regionUndo(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
  }
}
