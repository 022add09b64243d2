/** Snapshots of Aurora clusters. */
import type { SnapshotKind } from '../snapshots'
import { clusterSnapshotDescription } from './describe'

export const OF_CLUSTERS: SnapshotKind = {
  word: 'DBClusterSnapshot',
  async named(client, name, options) {
    const { DBClusterSnapshots = [] } = await client.describeDBClusterSnapshots(
      { DBClusterSnapshotIdentifier: name },
      { abortSignal: options.signal },
    )
    return { found: DBClusterSnapshots.map(clusterSnapshotDescription), marker: undefined }
  },
  async pageOf(client, { instanceId, marker }, options) {
    const { DBClusterSnapshots = [], Marker } = await client.describeDBClusterSnapshots(
      { DbClusterResourceId: instanceId, SnapshotType: 'manual', ...(marker !== undefined && { Marker: marker }) },
      { abortSignal: options.signal },
    )
    return { found: DBClusterSnapshots.map(clusterSnapshotDescription), marker: Marker }
  },
  create: (client, { instance, snapshot, Tags }) =>
    client.createDBClusterSnapshot({ DBClusterIdentifier: instance, DBClusterSnapshotIdentifier: snapshot, Tags }),
  copy: (client, { source, snapshot, ...more }) =>
    client.copyDBClusterSnapshot({
      SourceDBClusterSnapshotIdentifier: source,
      TargetDBClusterSnapshotIdentifier: snapshot,
      ...more,
    }),
  remove: (client, name) => client.deleteDBClusterSnapshot({ DBClusterSnapshotIdentifier: name }),
  resource: 'cluster-snapshot',
}
