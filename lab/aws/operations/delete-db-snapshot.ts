/** DeleteDBSnapshot: gone at once, unless it is being made or restored from. Its data goes with the last copy that shares it. */
import { findSnapshot, type Operation } from '../cloud'
import { AwsError } from '../errors'
import { note } from '../events'
import { key } from '../state'
import { snapshotView } from '../views'

export const deleteDbSnapshot: Operation<'DeleteDBSnapshot'> = async (call) => {
  const { cloud } = call
  const snapshot = findSnapshot(call)
  if (snapshot.type === 'automated') {
    throw new AwsError('InvalidDBSnapshotState', 'Only manual snapshots may be deleted.')
  }
  const name = key(snapshot.region, snapshot.id)
  const restoring = Object.values(cloud.state.instances).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'restore' && task.snapshot === name),
  )
  if (snapshot.status === 'creating' || restoring) {
    const why = restoring ? 'an instance is being restored from it' : `it is ${snapshot.status}`
    throw new AwsError('InvalidDBSnapshotState', `Cannot delete the snapshot ${snapshot.id} because ${why}.`)
  }
  delete cloud.state.snapshots[name]
  note(cloud.state, 'db-snapshot', snapshot, 'snapshotDeleted')
  // the record first: a snapshot that is listed can be restored, a folder without a record is swept
  await cloud.save()
  const shared = Object.values(cloud.state.snapshots).some(({ folder }) => folder === snapshot.folder)
  if (!shared) await cloud.servers.removeSnapshot(snapshot.folder)
  return { DBSnapshot: snapshotView(cloud, { ...snapshot, status: 'deleting' }) }
}
