/** Removes a snapshot once its retention is over. It outlives the operation that took the snapshot, on purpose: what a rescue
 *  would need is never taken back by an undo. */
import { isCancellation, proxyActivities, sleep } from '@temporalio/workflow'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { RetireSnapshotInput } from '../../contracts/migrate'
import { isDefect } from '../kit/failures'
import { quickAct } from '../kit/proxies'

const HOUR_MS = 3_600_000
/** A month of hours; then the workflow fails, for everybody to see. */
const TRIES_MAX = 720

export async function retireSnapshot(input: RetireSnapshotInput): Promise<void> {
  const { expireSnapshot } = proxyActivities<SnapshotActivities>(quickAct(TASK_QUEUES.aws, input.heartbeatTimeoutMs))
  await sleep(input.retentionHours * HOUR_MS)
  for (let tries = 1; ; tries += 1) {
    try {
      return await expireSnapshot({
        operation: input.operation,
        step: 'retire-snapshot',
        bundle: input.bundle,
        snapshot: input.snapshot,
      })
    } catch (error) {
      // A refusal a week later (expired rights, a renamed account) must not leave the snapshot to nobody: it is asked for again.
      if (isDefect(error) || isCancellation(error)) throw error
      if (tries >= TRIES_MAX) throw error
      await sleep(HOUR_MS)
    }
  }
}
