/** ResetDBClusterParameterGroup: as ResetDBParameterGroup, for all members of the clusters that use the group. */
import type { Operation } from '../cloud'
import { changeParameters, parseParameterReset } from '../parameter-changes'
import { findClusterGroup, requireCustom } from '../parameters'

export const resetDbClusterParameterGroup: Operation<'ResetDBClusterParameterGroup'> = async (call) => {
  const { cloud, query, region } = call
  const group = findClusterGroup(cloud.state, region, query.required('DBClusterParameterGroupName'))
  requireCustom(group, 'modified')
  await changeParameters(cloud, group, await parseParameterReset(call, group))
  return { DBClusterParameterGroupName: group.name }
}
