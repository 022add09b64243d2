/** DeleteDBParameterGroup: not a default one, and not while an instance uses it. */
import type { Operation } from '../cloud'
import { AwsError } from '../errors'
import { findGroup, requireCustom } from '../parameters'
import { key } from '../state'

export const deleteDbParameterGroup: Operation<'DeleteDBParameterGroup'> = async ({ cloud, query, region }) => {
  const group = findGroup(cloud.state, region, query.required('DBParameterGroupName'))
  requireCustom(group, 'deleted')
  const used = Object.values(cloud.state.instances).some(
    (instance) => instance.region === region && instance.parameterGroup === group.name,
  )
  if (used) {
    throw new AwsError(
      'InvalidDBParameterGroupState',
      `One or more database instances are still members of this parameter group ${group.name}, so the group cannot be deleted`,
    )
  }
  delete cloud.state.parameterGroups[key(region, group.name)]
  await cloud.save()
  return undefined
}
