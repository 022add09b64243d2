/** The overwriting's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { BackupProofActivities } from '../../activities/backup/contract'
import type { CheckActivities } from '../../activities/checks/contract'
import type { FenceActivities } from '../../activities/fence/contract'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { OverwriteActivities, OverwriteDataActivities } from '../../activities/overwrite/contract'
import type { ReplacementActivities, ReplacementDataActivities } from '../../activities/replacement/contract'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { OverwriteInput } from '../../contracts/overwrite'
import { askFirst, canaryAct, longAct, quickAct, undoAct, undoWait } from '../kit/proxies'

export function overwriteActivities({ cloud, heartbeatTimeoutMs }: Pick<OverwriteInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const ofCloud = quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)
  const ofData = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  return {
    asking: proxyActivities<OverwriteActivities>(askFirst(ofCloud)),
    askingSetUp: proxyActivities<ReplacementActivities>(askFirst(ofCloud)),
    planningBackup: proxyActivities<SnapshotActivities>(askFirst(ofCloud)),
    /** While it stands nobody is served: whoever cannot raise it, or go on behind it, soon gives it up. */
    fence: proxyActivities<FenceActivities>(askFirst(ofData)),
    /** Behind the fence: given up after a quarter of an hour of failures. */
    guarded: proxyActivities<OverwriteActivities>(canaryAct(ofCloud)),
    /** A backup takes as long as it takes: an abort ends the waiting. */
    snapshot: proxyActivities<SnapshotActivities>(ofCloud),
    lowering: proxyActivities<FenceActivities>(undoAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    reopening: proxyActivities<OverwriteActivities>(undoWait(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    undoWaiting: proxyActivities<SnapshotActivities>(undoWait(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    /** Past the point of no return nothing is given up. */
    forward: proxyActivities<OverwriteActivities>(ofCloud),
    instance: proxyActivities<InstanceActivities>(ofCloud),
    setUp: proxyActivities<ReplacementActivities>(ofCloud),
    settling: proxyActivities<OverwriteDataActivities>(ofData),
    proof: proxyActivities<BackupProofActivities>(ofData),
    checks: proxyActivities<CheckActivities>(ofData),
    data: proxyActivities<ReplacementDataActivities>(ofData),
  }
}
