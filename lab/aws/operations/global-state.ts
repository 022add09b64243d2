/** What global databases refuse. */
import type { Call } from '../cloud'
import { findClusterAnywhere, findGlobalCluster } from '../cloud'
import { nextWriter } from '../clusters'
import { AwsError } from '../errors'
import { globalOf } from '../following'
import type { GlobalCluster } from '../global-clusters'
import type { AwsState, DbCluster } from '../state'

/** @throws AwsError InvalidGlobalClusterStateFault while another cluster is about to lead. */
export function requireAtRest(global: GlobalCluster): void {
  if (global.status === 'available') return
  throw new AwsError('InvalidGlobalClusterStateFault', `Global cluster ${global.id} is ${global.status}.`)
}

/** @throws AwsError InvalidDBClusterStateFault for a cluster of a global database. */
export function requireOfItsOwn(state: AwsState, cluster: DbCluster): void {
  if (!globalOf(state, cluster)) return
  throw new AwsError(
    'InvalidDBClusterStateFault',
    'This cluster is a part of a global cluster, please remove it from globalcluster first',
  )
}

/** @throws AwsError DBClusterNotFoundFault for one that is no part of the global cluster. */
export function findPart(call: Call, global: GlobalCluster, name: string): DbCluster {
  const cluster = findClusterAnywhere(call, name)
  if (global.clusters.includes(cluster.resourceId)) return cluster
  throw new AwsError('DBClusterNotFoundFault', `The cluster ${cluster.id} is no part of the global cluster ${global.id}.`)
}

/** The two that a request names, when the second can be the one that leads.
 *  @throws AwsError GlobalClusterNotFoundFault, DBClusterNotFoundFault, InvalidGlobalClusterStateFault, InvalidDBClusterStateFault. */
export function parseTarget(call: Call): { global: GlobalCluster; target: DbCluster } {
  const global = findGlobalCluster(call)
  const target = findPart(call, global, call.query.required('TargetDbClusterIdentifier'))
  requireAtRest(global)
  if (target.resourceId === global.primary) {
    throw new AwsError('InvalidDBClusterStateFault', `The cluster ${target.id} is the primary one of ${global.id} already.`)
  }
  requireAvailable(target)
  if (!nextWriter(call.cloud, target)) {
    throw new AwsError('InvalidDBClusterStateFault', `The cluster ${target.id} has no DB instance that is available.`)
  }
  return { global, target }
}

/** @throws AwsError InvalidDBClusterStateFault. */
export function requireAvailable(cluster: DbCluster): void {
  if (cluster.status === 'available') return
  throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} is not in available state.`)
}
