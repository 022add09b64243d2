/** The activities of operations on a standby, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { InstanceFenceActivities, KeepFencedActivities } from '../../activities/instance-fence/contract'
import type { OldWriterActivities, ReplicationActivities, StandbyPlaceActivities } from '../../activities/replication/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { ReplicateInput } from '../../contracts/replicate'
import { askFirst, longAct, quickAct, undoLong } from '../kit/proxies'

export function replicateActivities({
  cloud,
  standbyCloud,
  heartbeatTimeoutMs,
}: Pick<ReplicateInput, 'cloud' | 'standbyCloud' | 'heartbeatTimeoutMs'>) {
  const long = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  return {
    /** Before anything was changed: who asks is told soon what is out of reach. */
    asking: proxyActivities<InstanceActivities>(askFirst(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs))),
    askingStandby: proxyActivities<StandbyPlaceActivities>(askFirst(quickAct(TASK_QUEUES[standbyCloud], heartbeatTimeoutMs))),
    /** Of the disks, of which either side's cloud tells. */
    askingSource: proxyActivities<StandbyPlaceActivities>(askFirst(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs))),
    growing: proxyActivities<StandbyPlaceActivities>(quickAct(TASK_QUEUES[standbyCloud], heartbeatTimeoutMs)),
    planning: proxyActivities<ReplicationActivities>(askFirst(long)),
    replication: proxyActivities<ReplicationActivities>(long),
    undoing: proxyActivities<ReplicationActivities>(undoLong(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    finding: proxyActivities<OldWriterActivities>(askFirst(long)),
    rebuilding: proxyActivities<OldWriterActivities>(long),
    shutting: proxyActivities<OldWriterActivities>(undoLong(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    /** As long as its cloud takes: an old writer may be away for hours. */
    fencing: proxyActivities<InstanceFenceActivities>(quickAct(TASK_QUEUES[standbyCloud], heartbeatTimeoutMs)),
    keeping: proxyActivities<KeepFencedActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs)),
  }
}
