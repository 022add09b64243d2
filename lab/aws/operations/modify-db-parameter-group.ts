/** ModifyDBParameterGroup: up to 20 parameters at once, all or none. Dynamic ones with `immediate` reach the instances that run
 *  with the group at once; the others wait for a reboot. */
import type { Operation } from '../cloud'
import { changeParameters, parseParameterChanges } from '../parameter-changes'
import { findGroup, requireCustom } from '../parameters'

export const modifyDbParameterGroup: Operation<'ModifyDBParameterGroup'> = async (call) => {
  const { cloud, query, region } = call
  const group = findGroup(cloud.state, region, query.required('DBParameterGroupName'))
  requireCustom(group, 'modified')
  await changeParameters(cloud, group, await parseParameterChanges(call, group, 'modify'))
  return { DBParameterGroupName: group.name }
}
