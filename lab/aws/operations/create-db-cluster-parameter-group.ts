/** CreateDBClusterParameterGroup: a group equal to the family's default. */
import type { Operation } from '../cloud'
import { invalidValue } from '../errors'
import { defaultClusterGroups } from '../parameters'
import { clusterGroupView } from '../views'
import { addClusterParameterGroup } from './new-parameter-group'

export const createDbClusterParameterGroup: Operation<'CreateDBClusterParameterGroup'> = async (call) => {
  const family = call.query.required('DBParameterGroupFamily')
  if (!defaultClusterGroups(call.region).some((group) => group.family === family))
    throw invalidValue(`ParameterGroupFamily ${family} is not a valid parameter group family`)
  const description = call.query.required('Description')
  const group = addClusterParameterGroup(call, 'DBClusterParameterGroupName', { family, description, parameters: {} })
  await call.cloud.save()
  return { DBClusterParameterGroup: clusterGroupView(group) }
}
