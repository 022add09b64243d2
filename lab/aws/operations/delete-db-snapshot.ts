/** DeleteDBSnapshot: gone at once, with its data, unless it is being made or restored from. */
import { findSnapshot, type Operation } from '../cloud'
import { AwsError } from '../errors'
import { key } from '../state'
import { snapshotView } from '../views'

export const deleteDbSnapshot: Operation<'DeleteDBSnapshot'> = async (call) => {
  const { cloud } = call
  const snapshot = findSnapshot(call)
  const name = key(snapshot.region, snapshot.id)
  const restoring = Object.values(cloud.state.instances).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'restore' && task.snapshot === name),
  )
  if (snapshot.status === 'creating' || restoring) {
    const why = restoring ? 'an instance is being restored from it' : `it is ${snapshot.status}`
    throw new AwsError('InvalidDBSnapshotState', `Cannot delete the snapshot ${snapshot.id} because ${why}.`)
  }
  delete cloud.state.snapshots[name]
  // the record first: a snapshot that is listed can be restored, a folder without a record is swept
  await cloud.save()
  await cloud.servers.removeSnapshot(snapshot.folder)
  return { DBSnapshot: snapshotView(cloud, { ...snapshot, status: 'deleting' }) }
}
