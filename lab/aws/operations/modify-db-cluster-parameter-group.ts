/** ModifyDBClusterParameterGroup: as ModifyDBParameterGroup, for all members of the clusters that use the group. */
import type { Operation } from '../cloud'
import { changeParameters, parseParameterChanges } from '../parameter-changes'
import { findClusterGroup, requireCustom } from '../parameters'

export const modifyDbClusterParameterGroup: Operation<'ModifyDBClusterParameterGroup'> = async (call) => {
  const { cloud, query, region } = call
  const group = findClusterGroup(cloud.state, region, query.required('DBClusterParameterGroupName'))
  requireCustom(group, 'modified')
  await changeParameters(cloud, group, await parseParameterChanges(call, group, 'modify'))
  return { DBClusterParameterGroupName: group.name }
}
