/** Answers which temporary instances an account holds, and removes those that nobody cares for when it is asked to, one after the other. No operation:
 *  it takes no lock, since an orphan's operation is over and nobody works at it; the ledger writes down what goes. */
import { proxyActivities } from '@temporalio/workflow'
import type { OrphanActivities } from '../../activities/orphans/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { OrphanRemoval, Orphans, OrphansInput, TemporaryInstance } from '../../contracts/orphans'
import { failureRecord, isDefect } from '../kit/failures'
import { lookTwice, quickAct, undoWait } from '../kit/proxies'

export async function orphans({ bundle, cloud, remove, heartbeatTimeoutMs }: OrphansInput): Promise<Orphans> {
  const queue = TASK_QUEUES[cloud]
  const asking = proxyActivities<OrphanActivities>(lookTwice(quickAct(queue, heartbeatTimeoutMs)))
  const removing = proxyActivities<OrphanActivities>(undoWait(queue, heartbeatTimeoutMs))
  const instances = await asking.listTemporary({ bundle })
  const removals: OrphanRemoval[] = []
  for (const one of remove ? instances : []) {
    const { name, instanceId, operation, standing } = one
    if (standing !== 'orphan' || operation === null) continue
    removals.push(await removed(one, () => removing.removeOrphan({ bundle, operation, name, instanceId })))
  }
  return { instances, removals }
}

/** One that cannot be removed keeps nobody from the next. */
async function removed(
  { name, standing }: TemporaryInstance,
  act: () => ReturnType<OrphanActivities['removeOrphan']>,
): Promise<OrphanRemoval> {
  try {
    return { name, ...(await act()), failure: null }
  } catch (error) {
    if (isDefect(error)) throw error
    const { code, message } = failureRecord(error)
    return { name, removed: false, standing, failure: `${code}: ${message}` }
  }
}
