/** ResetDBParameterGroup: all of the group's own values, or some, become the family's defaults again. Dynamic ones with `immediate`
 *  reach the instances at once; the others wait for a reboot. */
import type { Operation } from '../cloud'
import { changeParameters, parseParameterReset } from '../parameter-changes'
import { findGroup, requireCustom } from '../parameters'

export const resetDbParameterGroup: Operation<'ResetDBParameterGroup'> = async (call) => {
  const { cloud, query, region } = call
  const group = findGroup(cloud.state, region, query.required('DBParameterGroupName'))
  requireCustom(group, 'modified')
  await changeParameters(cloud, group, await parseParameterReset(call, group))
  return { DBParameterGroupName: group.name }
}
