/** The record of a snapshot of a cluster that is to be taken. */
import { clusterSnapshotKey, clusterSnapshotOf } from '../backups'
import type { AwsCloud } from '../cloud'
import { AwsError } from '../errors'
import { requireRoom } from '../quotas'
import type { AwsState, DbCluster, DbSnapshot, Tags } from '../state'

/** @throws AwsError DBClusterSnapshotAlreadyExistsFault, SnapshotQuotaExceeded. */
export function addClusterSnapshot(cloud: AwsCloud, cluster: DbCluster, id: string, tags: Tags): DbSnapshot {
  const name = requireNewClusterSnapshot(cloud.state, cluster.region, id)
  const snapshot = { ...clusterSnapshotOf(cluster, id), tags: { ...(cluster.copyTagsToSnapshot ? cluster.tags : {}), ...tags } }
  cloud.state.snapshots[name] = snapshot
  return snapshot
}

/** @returns the key of one that may be made. @throws AwsError DBClusterSnapshotAlreadyExistsFault, SnapshotQuotaExceeded. */
export function requireNewClusterSnapshot(state: AwsState, region: string, id: string): string {
  const name = clusterSnapshotKey(region, id)
  if (state.snapshots[name]) {
    throw new AwsError(
      'DBClusterSnapshotAlreadyExistsFault',
      `Cannot create the cluster snapshot because one with the identifier ${id} already exists.`,
    )
  }
  requireRoom(state, region, 'clusterSnapshots')
  return name
}
