/** Who follows whom. A read replica remembers its source, and a member its cluster, by the resource id, which no renaming changes. */
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

export function writerOf({ instances }: AwsState, { writer }: DbCluster): DbInstance | undefined {
  return Object.values(instances).find(({ resourceId }) => resourceId === writer)
}

/** Whose log an instance's server replays: that of its source, or of its cluster's writer. */
export function primaryOf(state: AwsState, instance: DbInstance): DbInstance | undefined {
  const cluster = clusterOf(state, instance)
  if (!cluster) return sourceOf(state, instance)
  return cluster.writer === instance.resourceId ? undefined : writerOf(state, cluster)
}

/** Whose servers replay its log. */
export function followersOf(state: AwsState, instance: DbInstance): DbInstance[] {
  const cluster = clusterOf(state, instance)
  if (!cluster) return replicasOf(state, instance)
  return cluster.writer === instance.resourceId ? membersOf(state, cluster).filter((member) => member !== instance) : []
}
