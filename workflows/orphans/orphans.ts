/** Answers which temporary instances an account holds, and removes those that nobody cares for when it is asked to, one after the other. No operation:
 *  it takes no lock, since an orphan's operation is over and nobody works at it; the ledger writes down what goes. */
import { proxyActivities } from '@temporalio/workflow'
import type { OrphanActivities } from '../../activities/orphans/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { OrphanRemoval, Orphans, OrphansInput, TemporaryInstance } from '../../contracts/orphans'
import { failureRecord, isDefect } from '../kit/failures'
import { lookTwice, quickAct, undoWait } from '../kit/proxies'

export function orphans({ remove, ...input }: OrphansInput): Promise<Orphans> {
  return listAndRemove(input, () => remove)
}

/** Asks `mayGo` of each that nobody cares for. Fails as the listing does. */
export async function listAndRemove(
  { bundle, cloud, heartbeatTimeoutMs, named }: Omit<OrphansInput, 'remove'>,
  mayGo: (orphan: TemporaryInstance) => boolean,
): Promise<Orphans> {
  const asked = named === undefined ? { bundle } : { bundle, named }
  const queue = TASK_QUEUES[cloud]
  const asking = proxyActivities<OrphanActivities>(lookTwice(quickAct(queue, heartbeatTimeoutMs)))
  const removing = proxyActivities<OrphanActivities>(undoWait(queue, heartbeatTimeoutMs))
  const instances = await asking.listTemporary(asked)
  const removals: OrphanRemoval[] = []
  for (const one of instances) {
    const { name, instanceId, operation, standing } = one
    if (standing !== 'orphan' || operation === null || !mayGo(one)) continue
    removals.push(await removed(one, () => removing.removeOrphan({ ...asked, operation, name, instanceId })))
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
