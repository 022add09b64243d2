/** StartDBCluster: of one that is stopped, and of no other. */
import { findCluster, type Operation, promised } from '../cloud'
import { clusterView } from '../cluster-views'
import { beginStart } from '../clusters'
import { AwsError } from '../errors'

export const startDbCluster: Operation<'StartDBCluster'> = async (call) => {
  const { cloud } = call
  const cluster = findCluster(call)
  if (cluster.status !== 'stopped') {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} is not stopped and cannot be started.`)
  }
  beginStart(cloud.state, cluster)
  const { doom } = promised(call, { kind: 'modify' })
  cluster.tasks.push({ kind: 'start', ...(doom && { doom }) })
  await cloud.save()
  cloud.clusterTasks.wake(cluster)
  return { DBCluster: clusterView(cloud, cluster) }
}
