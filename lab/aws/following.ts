/** Who follows whom. A read replica remembers its source by the resource id, which no renaming changes. */
import type { AwsState, DbInstance } from './state'

export function sourceOf({ instances }: AwsState, { replicaOf }: DbInstance): DbInstance | undefined {
  return replicaOf === null ? undefined : Object.values(instances).find(({ resourceId }) => resourceId === replicaOf)
}

export function replicasOf({ instances }: AwsState, { resourceId }: DbInstance): DbInstance[] {
  return Object.values(instances).filter(({ replicaOf }) => replicaOf === resourceId)
}
