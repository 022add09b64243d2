/** CreateDBParameterGroup: a group equal to the family's default. */
import type { Operation } from '../cloud'
import { majorOfFamily } from '../parameters'
import { groupView } from '../views'
import { addParameterGroup } from './new-parameter-group'

export const createDbParameterGroup: Operation<'CreateDBParameterGroup'> = async (call) => {
  const family = call.query.required('DBParameterGroupFamily')
  majorOfFamily(family)
  const description = call.query.required('Description')
  const group = addParameterGroup(call, 'DBParameterGroupName', { family, description, parameters: {} })
  await call.cloud.save()
  return { DBParameterGroup: groupView(group) }
}
