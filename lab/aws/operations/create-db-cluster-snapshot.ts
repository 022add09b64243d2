/** CreateDBClusterSnapshot: of the cluster's data, with or without members; the cluster stays available. */
import { clusterSnapshotKey } from '../backups'
import { findCluster, type Operation, promised } from '../cloud'
import { clusterSnapshotView } from '../cluster-views'
import { AwsError } from '../errors'
import { parseSnapshotIdentifier, parseTags } from '../identifiers'
import { addClusterSnapshot } from './new-cluster-snapshot'

export const createDbClusterSnapshot: Operation<'CreateDBClusterSnapshot'> = async (call) => {
  const { cloud, query, region } = call
  const id = parseSnapshotIdentifier('DBClusterSnapshotIdentifier', query.required('DBClusterSnapshotIdentifier'))
  const cluster = findCluster(call)
  const tags = parseTags(query.records('Tags'))
  const name = clusterSnapshotKey(region, id)
  // the name is looked at first: a repeat of a call that was lost meets its own snapshot, whatever the cluster does now
  if (!cloud.state.snapshots[name] && cluster.status !== 'available') {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} is not in available state.`)
  }
  const snapshot = addClusterSnapshot(cloud, cluster, id, tags)
  const { doom } = promised(call, { kind: 'modify' })
  cluster.tasks.push({ kind: 'back-up', snapshot: name, ...(doom && { doom }) })
  await cloud.save()
  cloud.clusterTasks.wake(cluster)
  return { DBClusterSnapshot: clusterSnapshotView(cloud, snapshot) }
}
