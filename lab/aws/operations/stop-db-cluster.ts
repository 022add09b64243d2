/** StopDBCluster: its members' servers are stopped, its data stays, until somebody starts it again. */
import { findCluster, type Operation, promised } from '../cloud'
import { clusterView } from '../cluster-views'
import { AwsError } from '../errors'
import { membersOf } from '../following'
import { requireOfItsOwn } from './global-state'

export const stopDbCluster: Operation<'StopDBCluster'> = async (call) => {
  const { cloud } = call
  const cluster = findCluster(call)
  requireOfItsOwn(cloud.state, cluster)
  const members = membersOf(cloud.state, cluster)
  const busy = cluster.status === 'available' ? members.find(({ status }) => status !== 'available') : cluster
  if (busy || members.length === 0) {
    const why = busy ? `${busy.id} is ${busy.status}` : 'it has no members'
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} cannot be stopped: ${why}.`)
  }
  for (const member of [cluster, ...members]) member.status = 'stopping'
  const { doom } = promised(call, { kind: 'modify' })
  cluster.tasks.push({ kind: 'stop', ...(doom && { doom }) })
  await cloud.save()
  cloud.clusterTasks.wake(cluster)
  return { DBCluster: clusterView(cloud, cluster) }
}
