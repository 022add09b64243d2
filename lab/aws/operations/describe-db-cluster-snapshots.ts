/** DescribeDBClusterSnapshots: by identifier, by cluster, or all of the region, in pages. */
import { findClusterSnapshot, type Operation } from '../cloud'
import { clusterSnapshotView } from '../cluster-views'
import { type FilterTable, filtered } from '../filters'
import { pageOf } from '../paging'
import { arn, type DbSnapshot } from '../state'

const FILTERS: FilterTable<DbSnapshot> = {
  'db-cluster-id': ({ region, instanceId }, value) =>
    [instanceId, arn(region, 'cluster', instanceId)].includes(value.toLowerCase()),
  'db-cluster-snapshot-id': ({ id }, value) => id === value.toLowerCase(),
  'snapshot-type': ({ type }, value) => type === value,
  engine: ({ engine }, value) => engine === value,
}

export const describeDbClusterSnapshots: Operation<'DescribeDBClusterSnapshots'> = async (call) => {
  const { cloud, query, region } = call
  const [id, cluster, type, resource] = [
    'DBClusterSnapshotIdentifier',
    'DBClusterIdentifier',
    'SnapshotType',
    'DbClusterResourceId',
  ].map((name) => query.text(name))
  const all = Object.values(cloud.state.snapshots).filter((snapshot) => snapshot.ofCluster && snapshot.region === region)
  const named = id === undefined ? all : [findClusterSnapshot(call, id)]
  const found = filtered(query, FILTERS, named).filter(
    (snapshot) =>
      (cluster === undefined || snapshot.instanceId === cluster.toLowerCase()) &&
      (type === undefined || snapshot.type === type) &&
      (resource === undefined || snapshot.instanceResourceId === resource),
  )
  const page = pageOf(query, found, (snapshot) => snapshot.id)
  return {
    Marker: page.marker,
    DBClusterSnapshots: page.items.map((snapshot) => clusterSnapshotView(cloud, snapshot)),
  }
}
