/** DescribeDBClusters: one by its identifier, or all of the region, in pages. */
import { findCluster, type Operation } from '../cloud'
import { clusterView } from '../cluster-views'
import { type FilterTable, filtered } from '../filters'
import { writerOf } from '../following'
import { pageOf } from '../paging'
import { arn, type DbCluster } from '../state'

const FILTERS: FilterTable<DbCluster> = {
  'clone-group-id': () => false,
  'db-cluster-id': ({ region, id }, value) => [id, arn(region, 'cluster', id)].includes(value.toLowerCase()),
  'db-cluster-resource-id': ({ resourceId }, value) => resourceId === value,
  domain: () => false,
  engine: (_, value) => value === 'aurora-postgresql',
}

export const describeDbClusters: Operation<'DescribeDBClusters'> = async (call) => {
  const { cloud, query, region } = call
  const id = query.text('DBClusterIdentifier')
  const inRegion = Object.values(cloud.state.clusters).filter((cluster) => cluster.region === region)
  const named = id === undefined ? inRegion : [inRegion.find(({ resourceId }) => resourceId === id) ?? findCluster(call, id)]
  const page = pageOf(query, filtered(query, FILTERS, named), (cluster) => cluster.id)
  for (const cluster of page.items) {
    const writer = writerOf(cloud.state, cluster)
    if (writer) cloud.reach.looked(writer)
  }
  return { Marker: page.marker, DBClusters: page.items.map((cluster) => clusterView(cloud, cluster)) }
}
