/** DeleteDBClusterParameterGroup: not a default one, and not while a cluster uses it. */
import type { Operation } from '../cloud'
import { AwsError } from '../errors'
import { clusterGroupOf, findClusterGroup, requireCustom } from '../parameters'
import { key } from '../state'

export const deleteDbClusterParameterGroup: Operation<'DeleteDBClusterParameterGroup'> = async ({ cloud, query, region }) => {
  const { state } = cloud
  const group = findClusterGroup(state, region, query.required('DBClusterParameterGroupName'))
  requireCustom(group, 'deleted')
  const user = Object.values(state.clusters).find(
    (one) => one.region === region && clusterGroupOf(state, one).name === group.name,
  )
  if (user) {
    throw new AwsError(
      'InvalidDBParameterGroupState',
      `The cluster ${user.id} still uses the parameter group ${group.name}, so the group cannot be deleted`,
    )
  }
  delete state.clusterParameterGroups[key(region, group.name)]
  await cloud.save()
  return undefined
}
