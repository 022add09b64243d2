/** Who follows whom. A read replica remembers its source, a member its cluster, and a global database its clusters, by the resource id,
 *  which no renaming changes. */
import type { GlobalCluster } from './global-clusters'
import type { AwsState, DbCluster, DbInstance } from './state'

export function sourceOf({ instances }: AwsState, { replicaOf }: DbInstance): DbInstance | undefined {
  return replicaOf === null ? undefined : Object.values(instances).find(({ resourceId }) => resourceId === replicaOf)
}

export function replicasOf({ instances }: AwsState, { resourceId }: DbInstance): DbInstance[] {
  return Object.values(instances).filter(({ replicaOf }) => replicaOf === resourceId)
}

export function clusterOf({ clusters }: AwsState, { cluster }: DbInstance): DbCluster | undefined {
  return cluster === null ? undefined : Object.values(clusters).find(({ resourceId }) => resourceId === cluster)
}

/** In the order in which they would take over. */
export function membersOf({ instances }: AwsState, { resourceId }: DbCluster): DbInstance[] {
  return Object.values(instances)
    .filter(({ cluster }) => cluster === resourceId)
    .sort((a, b) => a.promotionTier - b.promotionTier || (a.id < b.id ? -1 : 1))
}

export function globalOf({ globalClusters }: AwsState, { resourceId }: DbCluster): GlobalCluster | undefined {
  return Object.values(globalClusters).find(({ clusters }) => clusters.includes(resourceId))
}

/** In the order in which they came. */
export function clustersOf({ clusters }: AwsState, global: GlobalCluster): DbCluster[] {
  const known = Object.values(clusters)
  return global.clusters.flatMap((id) => known.find(({ resourceId }) => resourceId === id) ?? [])
}

/** The cluster whose writer its members follow: itself, or the primary one of its global database. */
export function leadOf(state: AwsState, cluster: DbCluster): DbCluster {
  const global = globalOf(state, cluster)
  if (!global) return cluster
  return clustersOf(state, global).find(({ resourceId }) => resourceId === global.primary) ?? cluster
}

/** Whoever follows the same writer, and the writer. */
export function peersOf(state: AwsState, cluster: DbCluster): DbInstance[] {
  const global = globalOf(state, cluster)
  return global ? clustersOf(state, global).flatMap((one) => membersOf(state, one)) : membersOf(state, cluster)
}

/** Of a secondary cluster: nobody. */
export function writerOf({ instances }: AwsState, { writer }: DbCluster): DbInstance | undefined {
  return Object.values(instances).find(({ resourceId }) => resourceId === writer)
}

/** Whose log an instance's server replays: that of its source, or of its cluster's writer. */
export function primaryOf(state: AwsState, instance: DbInstance): DbInstance | undefined {
  const cluster = clusterOf(state, instance)
  if (!cluster) return sourceOf(state, instance)
  return cluster.writer === instance.resourceId ? undefined : writerOf(state, leadOf(state, cluster))
}

/** Whose servers replay its log. */
export function followersOf(state: AwsState, instance: DbInstance): DbInstance[] {
  const cluster = clusterOf(state, instance)
  if (!cluster) return replicasOf(state, instance)
  return cluster.writer === instance.resourceId ? peersOf(state, cluster).filter((member) => member !== instance) : []
}

/** Last numbers of the addresses by which its members are reached together. */
export function endpointHosts(state: AwsState, cluster: DbCluster): number[] {
  const global = globalOf(state, cluster)
  return [cluster.writerHost, cluster.readerHost, ...(global ? [global.host] : [])]
}
