/** CopyDBClusterSnapshot: as CopyDBSnapshot, of a cluster's. */
import { clusterSnapshotKey } from '../backups'
import type { Operation } from '../cloud'
import { clusterSnapshotView } from '../cluster-views'
import { AwsError } from '../errors'
import { parseSnapshotIdentifier } from '../identifiers'
import { requireNewClusterSnapshot } from './new-cluster-snapshot'
import { addCopy, placeOfSource } from './new-copy'

export const copyDbClusterSnapshot: Operation<'CopyDBClusterSnapshot'> = async (call) => {
  const { cloud, query, region } = call
  const target = 'TargetDBClusterSnapshotIdentifier'
  const id = parseSnapshotIdentifier(target, query.required(target))
  const named = query.required('SourceDBClusterSnapshotIdentifier')
  const place = placeOfSource(call, named, 'cluster-snapshot')
  const source = cloud.state.snapshots[clusterSnapshotKey(place.region, place.id)]
  if (!source) throw new AwsError('DBClusterSnapshotNotFoundFault', `DBClusterSnapshot ${named} not found.`)
  const name = requireNewClusterSnapshot(cloud.state, region, id)
  if (source.status !== 'available') {
    throw new AwsError(
      'InvalidDBClusterSnapshotStateFault',
      `The cluster snapshot ${source.id} cannot be copied: it is ${source.status}.`,
    )
  }
  return { DBClusterSnapshot: clusterSnapshotView(cloud, await addCopy(call, source, { id, name })) }
}
