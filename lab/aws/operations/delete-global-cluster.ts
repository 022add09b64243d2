/** DeleteGlobalCluster: of one that has no clusters any more; not while it is protected. */
import { findGlobalCluster, type Operation } from '../cloud'
import { globalClusterView } from '../cluster-views'
import { AwsError, invalidCombination } from '../errors'

export const deleteGlobalCluster: Operation<'DeleteGlobalCluster'> = async (call) => {
  const { cloud } = call
  const global = findGlobalCluster(call)
  if (global.deletionProtection) {
    throw invalidCombination('Cannot delete protected Global Cluster, please disable deletion protection and try again.')
  }
  if (global.clusters.length > 0) {
    throw new AwsError('InvalidGlobalClusterStateFault', `Global cluster ${global.id} is not empty: remove its clusters first.`)
  }
  global.status = 'deleting'
  const view = globalClusterView(cloud, global)
  delete cloud.state.globalClusters[global.id]
  await cloud.save()
  return { GlobalCluster: view }
}
