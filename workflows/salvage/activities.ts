/** The salvage runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { InstanceFenceActivities } from '../../activities/instance-fence/contract'
import type { RowsActivities } from '../../activities/rows/contract'
import type { SalvageActivities } from '../../activities/salvage/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { SalvageInput } from '../../contracts/salvage'
import { askFirst, canaryAct, longAct, quickAct, undoLong } from '../kit/proxies'

export function salvageActivities({ cloud, oldCloud, heartbeatTimeoutMs }: SalvageInput) {
  const long = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  return {
    asking: proxyActivities<SalvageActivities>(askFirst(long)),
    examining: proxyActivities<RowsActivities>(askFirst(long)),
    /** As long as its cloud takes: the old writer may be away for hours. */
    lettingIn: proxyActivities<InstanceFenceActivities>(quickAct(TASK_QUEUES[oldCloud], heartbeatTimeoutMs)),
    instance: proxyActivities<InstanceActivities>(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    reporting: proxyActivities<SalvageActivities>(canaryAct(long)),
    surveying: proxyActivities<RowsActivities>(canaryAct(long)),
    writing: proxyActivities<RowsActivities>(long),
    settling: proxyActivities<RowsActivities>(undoLong(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
  }
}
