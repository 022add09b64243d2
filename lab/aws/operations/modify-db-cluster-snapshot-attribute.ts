/** ModifyDBClusterSnapshotAttribute: as ModifyDBSnapshotAttribute, of a cluster's. */
import { findClusterSnapshot, type Operation } from '../cloud'
import { clusterAttributesView, parseSharing } from './snapshot-attributes'

export const modifyDbClusterSnapshotAttribute: Operation<'ModifyDBClusterSnapshotAttribute'> = async (call) => {
  const snapshot = findClusterSnapshot(call, call.query.required('DBClusterSnapshotIdentifier'))
  snapshot.sharedWith = parseSharing(call.query, snapshot, 'InvalidDBClusterSnapshotStateFault')
  await call.cloud.save()
  return { DBClusterSnapshotAttributesResult: clusterAttributesView(snapshot) }
}
