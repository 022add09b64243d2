/** Removes a snapshot once its retention is over. It outlives the operation that took the snapshot, on purpose: what a rescue
 *  would need is never taken back by an undo. */
import { proxyActivities, sleep } from '@temporalio/workflow'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { RetireSnapshotInput } from '../../contracts/migrate'
import { quickAct } from '../kit/proxies'

export async function retireSnapshot(input: RetireSnapshotInput): Promise<void> {
  const { expireSnapshot } = proxyActivities<SnapshotActivities>(quickAct(TASK_QUEUES.aws, input.heartbeatTimeoutMs))
  await sleep(input.retentionHours * 3_600_000)
  await expireSnapshot({ operation: input.operation, step: 'retire-snapshot', bundle: input.bundle, snapshot: input.snapshot })
}
