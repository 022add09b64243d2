/** FailoverDBCluster: the named reader writes from then on, or the one of the lowest promotion tier. */
import { findCluster, findInstance, type Operation, promised } from '../cloud'
import { clusterView } from '../cluster-views'
import { nextWriter } from '../clusters'
import { AwsError, invalidCombination } from '../errors'
import { globalOf, writerOf } from '../following'

export const failoverDbCluster: Operation<'FailoverDBCluster'> = async (call) => {
  const { cloud, query } = call
  const cluster = findCluster(call)
  if (cluster.status !== 'available' || writerOf(cloud.state, cluster)?.status !== 'available') {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} cannot fail over: it is ${cluster.status}.`)
  }
  const global = globalOf(cloud.state, cluster)
  if (global && global.status !== 'available') {
    throw new AwsError(
      'InvalidDBClusterStateFault',
      `DB cluster ${cluster.id} cannot fail over: its global cluster ${global.id} is ${global.status}.`,
    )
  }
  const named = query.text('TargetDBInstanceIdentifier')
  const target = named === undefined ? nextWriter(cloud, cluster) : findInstance(call, named)
  if (!target) throw new AwsError('InvalidDBClusterStateFault', 'Cannot failover cluster: it has no reader that is available.')
  if (target.cluster !== cluster.resourceId) throw invalidCombination(`${target.id} is no member of the cluster ${cluster.id}.`)
  if (target.resourceId === cluster.writer) throw invalidCombination(`${target.id} is the writer of ${cluster.id} already.`)
  if (target.status !== 'available') {
    throw new AwsError('InvalidDBInstanceState', `DB Instance ${target.id} is not in available state.`)
  }
  cluster.status = 'failing-over'
  const { doom } = promised(call, { kind: 'modify' })
  cluster.tasks.push({ kind: 'fail-over', to: target.resourceId, ...(doom && { doom }) })
  await cloud.save()
  cloud.clusterTasks.wake(cluster)
  return { DBCluster: clusterView(cloud, cluster) }
}
