/** DescribeGlobalClusters: one by its identifier, or all, in pages; the same in every region. */
import { findGlobalCluster, type Operation } from '../cloud'
import { globalClusterView } from '../cluster-views'
import { type FilterTable, filtered } from '../filters'
import { clustersOf } from '../following'
import { pageOf } from '../paging'
import { arn, type DbCluster } from '../state'

export const describeGlobalClusters: Operation<'DescribeGlobalClusters'> = async (call) => {
  const { cloud, query } = call
  const { state } = cloud
  const filters: FilterTable<{ clusters: DbCluster[] }> = {
    'db-cluster-id': ({ clusters }, value) =>
      clusters.some(({ region, id }) => [id, arn(region, 'cluster', id)].includes(value.toLowerCase())),
    region: ({ clusters }, value) => clusters.some(({ region }) => region === value),
  }
  const id = query.text('GlobalClusterIdentifier')
  const named = id === undefined ? Object.values(state.globalClusters) : [findGlobalCluster(call, id)]
  const found = filtered(
    query,
    filters,
    named.map((global) => ({ global, clusters: clustersOf(state, global) })),
  )
  const page = pageOf(query, found, ({ global }) => global.id)
  return { Marker: page.marker, GlobalClusters: page.items.map(({ global }) => globalClusterView(cloud, global)) }
}
