/** CopyDBClusterParameterGroup: a custom group under a new name. A default group cannot be copied. */
import type { Operation } from '../cloud'
import { invalidCombination } from '../errors'
import { findClusterGroup } from '../parameters'
import { clusterGroupView } from '../views'
import { addClusterParameterGroup } from './new-parameter-group'

export const copyDbClusterParameterGroup: Operation<'CopyDBClusterParameterGroup'> = async (call) => {
  const { cloud, query, region } = call
  const named = query.required('SourceDBClusterParameterGroupIdentifier')
  const source = findClusterGroup(cloud.state, region, named.slice(named.startsWith('arn:') ? named.lastIndexOf(':') + 1 : 0))
  if (source.name.startsWith('default.'))
    throw invalidCombination('A default DB cluster parameter group cannot be copied: create a new one of its family.')
  const group = addClusterParameterGroup(call, 'TargetDBClusterParameterGroupIdentifier', {
    family: source.family,
    description: query.required('TargetDBClusterParameterGroupDescription'),
    parameters: structuredClone(source.parameters),
  })
  await cloud.save()
  return { DBClusterParameterGroup: clusterGroupView(group) }
}
