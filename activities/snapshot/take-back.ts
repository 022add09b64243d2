/** The undo of a snapshot: nobody relies on it yet. */
import { Failure } from '../../contracts/failures'
import { FINAL_STATUSES, type OperationId } from '../../contracts/operation'
import { SNAPSHOT_DOCUMENTS } from '../../contracts/snapshot'
import type { Ledger } from '../../ledger/ledger'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { hasBegun } from '../overwrite/begun'
import { recordRemoval } from '../resources'
import { notReadyYet } from '../waiting'
import type { SnapshotActivities } from './contract'
import { cloudIn, soon } from './region'

/** About eight seconds. */
const UNSEEN_LOOKS = 10

export async function takeBack(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  { operation, step, bundle, region, snapshot, instanceId }: Parameters<SnapshotActivities['awaitSnapshotRemoval']>[0],
): Promise<void> {
  const { database } = await ledger.getBundle(bundle)
  if (await othersRelyOn(ledger, operation)) return
  const begun = (await ledger.listResources({ operation })).find(({ name }) => name === snapshot)
  // A region that is out of reach is not asked about what was never begun there.
  if (region !== undefined && begun === undefined) return
  const options = changing()
  const { attempt } = currentAct()
  const cloud = cloudIn(cloudOf, database, region)
  const removal = { snapshot, instanceId, owner: { operation, step } }
  const look = () => cloud.describeSnapshot({ instance: database.instance, name: snapshot }, { signal: currentAct().signal })
  // Where it hangs, whoever takes back has to hear of it soon.
  const found = await (region === undefined ? look() : soon(look))
  if (found === null) {
    const unseen = begun !== undefined && begun.removedAt === null
    if (unseen && cloud.capabilities.snapshotListed === 'when-complete') {
      // It may be on its way, and is removed once it is there: the cloud is busy until then.
      const { operation: removing } = await cloud.startSnapshotRemoval(removal, options)
      if (removing !== null) throw notReadyYet(`Snapshot ${snapshot}`, 'being removed')
    }
    // A cloud may list what it makes only after a while: what was begun and not seen yet is looked for again.
    else if (unseen && attempt < UNSEEN_LOOKS) throw notReadyYet(`Snapshot ${snapshot}`, 'not listed')
    return recordRemoval(ledger, { operation, kind: 'snapshot', name: snapshot })
  }
  // Nor does it remove what it is still making: whatever the snapshot becomes is removed then. A copy, which takes hours, it may give up at once.
  if (found.state === 'changing' && region === undefined) throw notReadyYet(`Snapshot ${snapshot}`, found.cloudState)
  try {
    await cloud.startSnapshotRemoval(removal, options)
  } catch (error) {
    const makes = found.state === 'changing' && error instanceof Failure && error.code === 'CLOUD_BUSY'
    throw makes ? notReadyYet(`Snapshot ${snapshot}`, found.cloudState) : error
  }
  await recordRemoval(ledger, { operation, kind: 'snapshot', name: snapshot })
  throw notReadyYet(`Snapshot ${snapshot}`, 'being removed')
}

/** After a reset the undo stands again, although older snapshots may have been removed for this one's sake, or the instance overwritten to which it is the
 *  way back. */
async function othersRelyOn(ledger: Ledger, operation: OperationId): Promise<boolean> {
  const record = await ledger.getOperation(operation)
  if (record !== null && FINAL_STATUSES.includes(record.status)) return true
  if (await hasBegun(ledger, operation)) return true
  return (await ledger.getDocument({ operation, name: SNAPSHOT_DOCUMENTS.expiry })) !== null
}
