/** DeleteDBClusterSnapshot: gone at once, unless it is being taken or restored from; a copy that is being made is given up so. Its data goes with the last copy that shares it. */
import { keyOfSnapshot } from '../backups'
import { findClusterSnapshot, type Operation } from '../cloud'
import { clusterSnapshotView } from '../cluster-views'
import { AwsError } from '../errors'

export const deleteDbClusterSnapshot: Operation<'DeleteDBClusterSnapshot'> = async (call) => {
  const { cloud, query } = call
  const snapshot = findClusterSnapshot(call, query.required('DBClusterSnapshotIdentifier'))
  const restoring = Object.values(cloud.state.clusters).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'restore' && task.folder === snapshot.folder),
  )
  if (snapshot.type === 'automated' || snapshot.status === 'creating' || restoring) {
    const why =
      snapshot.type === 'automated' ? 'it is automated' : restoring ? 'a cluster is being restored from it' : 'it is creating'
    throw new AwsError('InvalidDBClusterSnapshotStateFault', `Cannot delete the cluster snapshot ${snapshot.id} because ${why}.`)
  }
  delete cloud.state.snapshots[keyOfSnapshot(snapshot)]
  // the record first: a snapshot that is listed can be restored, a folder without a record is swept
  await cloud.save()
  const shared = Object.values(cloud.state.snapshots).some(({ folder }) => folder === snapshot.folder)
  if (!shared) await cloud.servers.removeSnapshot(snapshot.folder)
  return { DBClusterSnapshot: clusterSnapshotView(cloud, { ...snapshot, status: 'deleting' }) }
}
