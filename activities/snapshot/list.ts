/** An instance's snapshots for people: what each is, whose it is, and why it stays. */
import type { Sha256 } from '../../contracts/operation'
import type { ListedSnapshot, SnapshotList } from '../../contracts/snapshot'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { findTarget } from '../target'
import { type JudgedSnapshot, judgeSeries } from './series'

export async function listSnapshots(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  bundle: Sha256,
): Promise<SnapshotList> {
  const { database } = await ledger.getBundle(bundle)
  const { name, instance } = database
  const { instanceId } = await findTarget(cloudOf, database, { signal: currentAct().signal })
  const judged = await judgeSeries({
    ledger,
    cloud: cloudOf(database),
    instanceId,
    operation: null,
    now: new Date().toISOString(),
  })
  return { version: 1, database: name, instance, instanceId, snapshots: judged.map(listed) }
}

function listed({ description, standing }: JudgedSnapshot): ListedSnapshot {
  const { name, cloudState: state, createdAt, owner, storage } = description
  const { operation, step, expiresAt } =
    owner === null || standing === 'not-ours' ? { operation: null, step: null, expiresAt: null } : owner
  return { name, state, createdAt, expiresAt, operation, step, sizeGib: storage.sizeGib, standing }
}
