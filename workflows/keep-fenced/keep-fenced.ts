/** One run by the clock of the watch of a fenced instance: what came open is closed, what was started is stopped. It goes on looking until all is as it should
 *  be, since an instance that is starting cannot be stopped yet and may serve within seconds. */
import { isCancellation, log, proxyActivities, sleep } from '@temporalio/workflow'
import type { InstanceFenceActivities, KeepFencedActivities } from '../../activities/instance-fence/contract'
import type { KeepFencedInput } from '../../contracts/instance-fence'
import { TASK_QUEUES } from '../../contracts/messages'
import { failureRecord, isDefect } from '../kit/failures'
import { lookTwice, quickAct } from '../kit/proxies'

const AGAIN_MS = 1_000
/** After that the next run goes on: a history does not grow for ever. */
const LOOKS_MAX = 120

const KEEPING = 'keep-fenced'

export async function keepFenced({ cloud, operation, bundle, target, heartbeatTimeoutMs }: KeepFencedInput): Promise<void> {
  const { reassertFence } = proxyActivities<InstanceFenceActivities>(lookTwice(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)))
  const { endKeeping } = proxyActivities<KeepFencedActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const ref = { operation, step: KEEPING, bundle, target }
  for (let look = 0; look < LOOKS_MAX; look++) {
    try {
      const { over, look: seen, reasserted } = await reassertFence(ref)
      if (over) {
        await endKeeping(ref)
        return
      }
      if (reasserted) log.warn(`${target.instance} was not as fenced as it was left: ${seen.found ?? ''}`)
      if (seen.found === null) return
    } catch (error) {
      // one that the ledger has lost: the run fails, and is seen
      if (isDefect(error) || isCancellation(error) || failureRecord(error).code === 'FENCE_LIFTED') throw error
      // its cloud is away: nobody can start it by that either, and the age of the last look is an alert
      log.warn(`${target.instance} could not be looked at: ${failureRecord(error).message}`)
    }
    await sleep(AGAIN_MS)
  }
}
