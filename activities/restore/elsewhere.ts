/** A snapshot in another region than its instance's: a copy. Neither the instance nor its region is asked, which may be gone: the ledger knows that the
 *  instance was this database's, by its immutable id, which a copy has from its source. */
import type { SnapshotDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { assertRestorable } from '../instance/restorable'

/** `place`: the entry as that region has it. Fails with CLOUD_REFUSED where a cloud has no such copies, SNAPSHOT_NOT_FOUND naming those that there are,
 *  ACCOUNT_MISMATCH, TARGET_MISMATCH for one of another database's instance, and RESOURCE_FAILED for one that is not ready. */
export async function snapshotElsewhere(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  place: DatabaseEntry,
  name: string,
): Promise<SnapshotDescription> {
  const { instance, region, account } = place
  const cloud = cloudOf(place)
  const options = { signal: currentAct().signal }
  if (!cloud.capabilities.snapshotCopies) {
    const message = `On ${place.cloud} no snapshot is copied into another region, so that none can be restored in ${region}.`
    throw failure('CLOUD_REFUSED', message, { region, database: place.name })
  }
  const known = await ledger.listKnownInstances({ database: place.name, cloud: place.cloud })
  const found = await cloud.describeSnapshot({ instance, name }, options)
  if (found === null) {
    const lists = await Promise.all(known.map((instanceId) => cloud.listSnapshots({ instanceId }, options)))
    const names = lists.flat().map((snapshot) => snapshot.name)
    const there = names.length === 0 ? `none of ${place.name} is there` : `of ${place.name} there are ${names.join(', ')}`
    throw failure('SNAPSHOT_NOT_FOUND', `There is no snapshot ${name} in ${region}; ${there}.`, { snapshot: name, region })
  }
  if (found.account !== undefined && found.account !== account) {
    const message = `Snapshot ${name} in ${region} belongs to account ${found.account}, the fleet file says ${account}: correct it.`
    throw failure('ACCOUNT_MISMATCH', message, { snapshot: name, found: found.account, expected: account })
  }
  if (!known.includes(found.instanceId)) {
    throw failure(
      'TARGET_MISMATCH',
      `Snapshot ${name} in ${region} is of instance ${found.instance} (${found.instanceId}), and the ledger knows no operation of ${place.name} on that instance: name one of an instance that is or was this database's.`,
      { snapshot: name, found: found.instanceId, expected: known.join(' ') },
    )
  }
  assertRestorable(found)
  return found
}
