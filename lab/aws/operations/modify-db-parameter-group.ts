/** ModifyDBParameterGroup: up to 20 parameters at once, all or none. Dynamic ones with `immediate` reach the instances that run
 *  with the group at once; the others wait for a reboot. */
import type { AwsCloud, Call, Operation } from '../cloud'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { checkParameter, findGroup, majorOfFamily } from '../parameters'
import type { ParameterGroup } from '../state'

interface Change {
  name: string
  value: string
  method: 'immediate' | 'pending-reboot'
}

export const modifyDbParameterGroup: Operation<'ModifyDBParameterGroup'> = async (call) => {
  const { cloud, query, region } = call
  const group = findGroup(cloud.state, region, query.required('DBParameterGroupName'))
  if (group.name.startsWith('default.')) {
    throw new AwsError(
      'InvalidDBParameterGroupState',
      `The parameter group ${group.name} is a default group and cannot be modified.`,
    )
  }
  const changes = await parseChanges(call, group)
  for (const { name, value, method } of changes) group.parameters[name] = { value, method }
  const touched = applyToInstances(cloud, group, changes)
  for (const instance of touched) instance.tasks.push({ kind: 'modify' })
  await cloud.save()
  for (const instance of touched) cloud.tasks.wake(instance)
  return { DBParameterGroupName: group.name }
}

async function parseChanges(call: Call, group: ParameterGroup): Promise<Change[]> {
  const records = call.query.records('Parameters') ?? []
  if (records.length < 1 || records.length > 20) throw invalidValue('Between 1 and 20 parameters can be modified in one request.')
  const catalogue = await call.cloud.catalogue(majorOfFamily(group.family))
  return records.map(({ ParameterName = '', ParameterValue = '', ApplyMethod = 'pending-reboot' }) => {
    const parameter = checkParameter(catalogue, ParameterName, ParameterValue)
    if (ApplyMethod !== 'immediate' && ApplyMethod !== 'pending-reboot') throw invalidValue(`Invalid ApplyMethod: ${ApplyMethod}`)
    if (ApplyMethod === 'immediate' && !parameter.dynamic) {
      throw invalidCombination(`cannot use immediate apply method for static parameter (${parameter.name})`)
    }
    return { name: parameter.name, value: ParameterValue, method: ApplyMethod }
  })
}

/** @returns the instances whose servers must read their settings again. */
function applyToInstances(cloud: AwsCloud, group: ParameterGroup, changes: readonly Change[]) {
  const users = Object.values(cloud.state.instances).filter(
    ({ region, parameterGroup }) => region === group.region && parameterGroup === group.name,
  )
  const immediate = changes.filter(({ method }) => method === 'immediate')
  for (const instance of users) {
    if (immediate.length < changes.length && instance.parameterStatus === 'in-sync') instance.parameterStatus = 'pending-reboot'
    if (instance.running.group === group.name) {
      for (const { name, value } of immediate) instance.running.parameters[name] = value
    }
  }
  return immediate.length > 0 ? users.filter(({ running }) => running.group === group.name) : []
}
