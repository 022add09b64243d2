/** Changes to a parameter group: what the request says, and what they mean for the instances that run with it. */
import type { AwsCloud, Call } from './cloud'
import { invalidCombination, invalidValue } from './errors'
import { note } from './events'
import { checkParameter, majorOfFamily } from './parameters'
import type { DbInstance, ParameterGroup } from './state'

export interface ParameterChange {
  name: string
  /** Undefined: the family's default again. */
  value: string | undefined
  method: 'immediate' | 'pending-reboot'
}

const CHANGES_MAX = 20

/** @throws AwsError InvalidParameterValue, InvalidParameterCombination. */
export async function parseParameterChanges(
  call: Call,
  group: ParameterGroup,
  act: 'modify' | 'reset',
): Promise<ParameterChange[]> {
  const records = call.query.records('Parameters') ?? []
  if (records.length < 1 || records.length > CHANGES_MAX) {
    throw invalidValue(`Between 1 and ${CHANGES_MAX} parameters can be modified in one request.`)
  }
  const catalogue = await call.cloud.catalogue(majorOfFamily(group.family))
  return records.map(({ ParameterName = '', ParameterValue = '', ApplyMethod = 'pending-reboot' }) => {
    const parameter = checkParameter(catalogue, ParameterName, act === 'reset' ? undefined : ParameterValue)
    if (ApplyMethod !== 'immediate' && ApplyMethod !== 'pending-reboot') throw invalidValue(`Invalid ApplyMethod: ${ApplyMethod}`)
    if (ApplyMethod === 'immediate' && !parameter.dynamic) {
      throw invalidCombination(`cannot use immediate apply method for static parameter (${parameter.name})`)
    }
    return { name: parameter.name, value: ParameterValue, method: ApplyMethod }
  })
}

export async function changeParameters(
  cloud: AwsCloud,
  group: ParameterGroup,
  changes: readonly ParameterChange[],
): Promise<void> {
  for (const { name, value, method } of changes) {
    if (value === undefined) delete group.parameters[name]
    else group.parameters[name] = { value, method }
    const source = { region: group.region, id: group.name }
    note(cloud.state, 'db-parameter-group', source, 'parameterChanged', name, value ?? 'its default', method)
  }
  const touched = applyToInstances(cloud, group, changes)
  for (const instance of touched) instance.tasks.push({ kind: 'modify' })
  await cloud.save()
  for (const instance of touched) cloud.tasks.wake(instance)
}

/** @returns the instances whose servers must read their settings again. */
function applyToInstances(cloud: AwsCloud, group: ParameterGroup, changes: readonly ParameterChange[]): DbInstance[] {
  const users = Object.values(cloud.state.instances).filter(
    ({ region, parameterGroup }) => region === group.region && parameterGroup === group.name,
  )
  const immediate = changes.filter(({ method }) => method === 'immediate')
  for (const instance of users) {
    if (immediate.length < changes.length && instance.parameterStatus === 'in-sync') instance.parameterStatus = 'pending-reboot'
    if (instance.running.group !== group.name) continue
    for (const { name, value } of immediate) {
      if (value === undefined) delete instance.running.parameters[name]
      else instance.running.parameters[name] = value
    }
  }
  return immediate.length > 0 ? users.filter(({ running, status }) => running.group === group.name && status !== 'stopped') : []
}
