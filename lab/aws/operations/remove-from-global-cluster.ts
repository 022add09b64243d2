/** RemoveFromGlobalCluster: a secondary cluster goes on alone, with a writer of its own; the primary one only when it is the last. One that
 *  failed and has no members just goes. */
import { findGlobalCluster, type Operation, promised } from '../cloud'
import { globalClusterView } from '../cluster-views'
import { AwsError } from '../errors'
import { membersOf } from '../following'
import { leaves } from '../hand-over'
import { findPart, requireAtRest, requireAvailable } from './global-state'

export const removeFromGlobalCluster: Operation<'RemoveFromGlobalCluster'> = async (call) => {
  const { cloud, query } = call
  const global = findGlobalCluster(call)
  const cluster = findPart(call, global, query.required('DbClusterIdentifier'))
  requireAtRest(global)
  // nothing in it is worth keeping, and it would be in the way for ever
  const wreck = cluster.status === 'failed' && membersOf(cloud.state, cluster).length === 0
  if (!wreck) requireAvailable(cluster)
  if (cluster.resourceId === global.primary && global.clusters.length > 1) {
    throw new AwsError(
      'InvalidGlobalClusterStateFault',
      `The cluster ${cluster.id} leads the global cluster ${global.id}: remove its secondary clusters first, or let one of them lead.`,
    )
  }
  if (wreck) {
    leaves(global, cluster)
    await cloud.save()
    return { GlobalCluster: globalClusterView(cloud, global) }
  }
  cluster.status = cluster.resourceId === global.primary ? 'modifying' : 'promoting'
  const { doom } = promised(call, { kind: 'modify' })
  cluster.tasks.push({ kind: 'leave-global', ...(doom && { doom }) })
  await cloud.save()
  const view = globalClusterView(cloud, global)
  cloud.clusterTasks.wake(cluster)
  return { GlobalCluster: view }
}
