/** Answers which snapshots an instance has. No operation: it changes nothing, takes no lock and leaves no record. */
import { proxyActivities } from '@temporalio/workflow'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { ListSnapshotsInput, SnapshotList } from '../../contracts/snapshot'
import { askFirst, quickAct } from '../kit/proxies'

export async function listSnapshots({ bundle, cloud, heartbeatTimeoutMs }: ListSnapshotsInput): Promise<SnapshotList> {
  const activities = proxyActivities<SnapshotActivities>(askFirst(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)))
  return activities.listSnapshots({ bundle })
}
