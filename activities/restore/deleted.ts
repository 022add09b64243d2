/** A snapshot of an instance that is gone, or that another one of its name replaced. Nothing can be asked of that instance any more: the ledger knows
 *  that it was this database's, by its immutable id, and the snapshot says what it was. */
import { isUnknownInstance, unknownInstance } from '../../clouds/owner'
import type { ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import { copyClass } from '../instance/copy-request'
import { assertRestorable } from '../instance/restorable'

/** Fails with CLOUD_REFUSED where a cloud does not restore those, or has to be told as what, SNAPSHOT_NOT_FOUND naming those that there are, TARGET_MISMATCH for one of the
 *  instance as it is now, of another database's, or of nobody knows which, and RESOURCE_FAILED for one that is not ready. */
export async function snapshotOfDeleted(
  { ledger, cloud }: { ledger: Ledger; cloud: ManagedPostgres },
  database: DatabaseEntry,
  name: string,
): Promise<SnapshotDescription> {
  const { instance } = database
  const options = { signal: currentAct().signal }
  const { restoreOfDeleted } = cloud.capabilities
  if (restoreOfDeleted === 'never') throw notRestored(database)
  if (restoreOfDeleted === 'class-named' && copyClass(database, cloud.capabilities, 'fromSnapshot') === null)
    throw classUnknown(database)
  const present = await cloud.describeInstance({ name: instance }, options)
  const known = await ledger.listKnownInstances({ database: database.name, cloud: database.cloud })
  const earlier = known.filter((id) => id !== present?.instanceId)
  const asked = { instance, name }
  // A name may be borne by one of today's as well, which holds other data: that is looked for last, to say so.
  const found =
    (await cloud.describeSnapshot({ ...asked, sourceGone: true }, options)) ?? (await cloud.describeSnapshot(asked, options))
  if (found === null) {
    const namesOf = async (ids: readonly string[]): Promise<string> =>
      (await Promise.all(ids.map((instanceId) => cloud.listSnapshots({ instanceId }, options))))
        .flatMap((snapshots) => snapshots.map((snapshot) => snapshot.name))
        .join(', ')
    const [names, nobodysNames] = await Promise.all([
      namesOf(earlier),
      namesOf(database.cloud === 'gcp' ? [unknownInstance(instance)] : []),
    ])
    const left =
      names === ''
        ? `none is left of an earlier instance of ${database.name}`
        : `of earlier instances of ${database.name} there are ${names}`
    const untold =
      nobodysNames === '' ? '' : `; of which instance that was called ${instance} these are nobody can tell: ${nobodysNames}`
    throw failure('SNAPSHOT_NOT_FOUND', `There is no snapshot ${name}; ${left}${untold}.`, { snapshot: name, instance })
  }
  if (found.instanceId === present?.instanceId) {
    const message = `Snapshot ${name} is of ${instance} as it is now (${found.instanceId}); leave --deleted out.`
    throw failure('TARGET_MISMATCH', message, { snapshot: name, found: found.instanceId })
  }
  if (isUnknownInstance(found.instanceId)) throw nobodys(found)
  if (!known.includes(found.instanceId)) {
    throw failure(
      'TARGET_MISMATCH',
      `Snapshot ${name} is of instance ${found.instance} (${found.instanceId}), and the ledger knows no operation of ${database.name} on that instance: name one of an instance that was this database's.`,
      { snapshot: name, found: found.instanceId, expected: earlier.join(' ') },
    )
  }
  assertRestorable(found)
  return found
}

function classUnknown({ instance, ...database }: DatabaseEntry) {
  const message = `A snapshot of an Aurora cluster does not say of what class its writer was, and nobody can ask ${instance} as it was: name one as instanceClass of canary in the fleet file, such as db.r6g.large or db.serverless/0.5-16.`
  return failure('CLOUD_REFUSED', message, { instance, database: database.name })
}

function nobodys({ name, instance }: SnapshotDescription) {
  const message = `Of which instance that was called ${instance} snapshot ${name} is cannot be told: its cloud says the name alone, and no snapshot of ours was left with it that would say more.`
  return failure('TARGET_MISMATCH', message, { snapshot: name, instance })
}

function notRestored({ instance, ...database }: DatabaseEntry) {
  const message = `On Azure a server’s backups go with it, and none of them can be asked for by its name any more: Capstan restores no snapshot of ${instance} as it was before it was deleted or replaced. For five days Azure may bring the whole server back (createMode ReviveDropped), as of a time that a person has to find in the activity log, and with whatever acts in it running at once; do that by Azure's own tools.`
  return failure('CLOUD_REFUSED', message, { instance, database: database.name })
}
