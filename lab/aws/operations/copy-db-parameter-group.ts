/** CopyDBParameterGroup: a custom group under a new name. A default group cannot be copied. */
import type { Operation } from '../cloud'
import { invalidCombination } from '../errors'
import { findGroup } from '../parameters'
import { groupView } from '../views'
import { addParameterGroup } from './new-parameter-group'

export const copyDbParameterGroup: Operation<'CopyDBParameterGroup'> = async (call) => {
  const { query } = call
  const named = query.required('SourceDBParameterGroupIdentifier')
  const source = findGroup(
    call.cloud.state,
    call.region,
    named.startsWith('arn:') ? named.slice(named.lastIndexOf(':') + 1) : named,
  )
  if (source.name.startsWith('default.'))
    throw invalidCombination('A default DB parameter group cannot be copied: create a new one of its family.')
  const group = addParameterGroup(call, 'TargetDBParameterGroupIdentifier', {
    family: source.family,
    description: query.required('TargetDBParameterGroupDescription'),
    parameters: structuredClone(source.parameters),
  })
  await call.cloud.save()
  return { DBParameterGroup: groupView(group) }
}
