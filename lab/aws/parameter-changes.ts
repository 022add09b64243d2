/** Changes to a parameter group: what the request says, and what they mean for the instances that run with it. */
import type { AwsCloud, Call } from './cloud'
import { invalidCombination, invalidValue } from './errors'
import { note } from './events'
import { clusterOf } from './following'
import { checkParameter, clusterGroupOf, definitionsFor, majorOfFamily } from './parameters'
import type { AwsState, DbInstance, ParameterGroup } from './state'

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
  const known = definitionsFor(group, await call.cloud.catalogue(majorOfFamily(group.family)))
  return records.map(({ ParameterName = '', ParameterValue = '', ApplyMethod = 'pending-reboot' }) => {
    const parameter = checkParameter(known, ParameterName, act === 'reset' ? undefined : ParameterValue)
    if (ApplyMethod !== 'immediate' && ApplyMethod !== 'pending-reboot') throw invalidValue(`Invalid ApplyMethod: ${ApplyMethod}`)
    if (ApplyMethod === 'immediate' && !parameter.dynamic) {
      throw invalidCombination(`cannot use immediate apply method for static parameter (${parameter.name})`)
    }
    return { name: parameter.name, value: ParameterValue, method: ApplyMethod }
  })
}

/** Of those that are named, or of all that the group changes. @throws AwsError InvalidParameterValue, InvalidParameterCombination. */
export async function parseParameterReset(call: Call, group: ParameterGroup): Promise<ParameterChange[]> {
  const { cloud, query } = call
  const named = query.records('Parameters')
  const all = query.flag('ResetAllParameters') ?? named === undefined
  if (all && (named ?? []).length > 0) throw invalidCombination('Parameters cannot be given when all of them are reset.')
  if (!all) return (await parseParameterChanges(call, group, 'reset')).map((change) => ({ ...change, value: undefined }))
  const known = definitionsFor(group, await cloud.catalogue(majorOfFamily(group.family)))
  return Object.keys(group.parameters).map((name) => {
    const dynamic = known.find((parameter) => parameter.name === name)?.dynamic ?? false
    return { name, value: undefined, method: dynamic ? 'immediate' : 'pending-reboot' }
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
    if (group.ofCluster) continue
    const source = { region: group.region, id: group.name }
    note(cloud.state, 'db-parameter-group', source, 'parameterChanged', name, value ?? 'its default', method)
  }
  const touched = applyToInstances(cloud, group, changes)
  for (const instance of touched) instance.tasks.push({ kind: 'modify' })
  await cloud.save()
  for (const instance of touched) cloud.tasks.wake(instance)
}

/** @returns the instances whose servers must read their settings again. */
function applyToInstances({ state }: AwsCloud, group: ParameterGroup, changes: readonly ParameterChange[]): DbInstance[] {
  const users = Object.values(state.instances).filter((instance) => isUsedBy(state, group, instance))
  const immediate = changes.filter(({ method }) => method === 'immediate')
  const touched: DbInstance[] = []
  for (const instance of users) {
    // what waits in a cluster's group is seen by comparing
    const waits = !group.ofCluster && immediate.length < changes.length
    if (waits && instance.parameterStatus === 'in-sync') instance.parameterStatus = 'pending-reboot'
    const running = group.ofCluster ? instance.running.cluster : instance.running
    if (running?.group !== group.name) continue
    for (const { name, value } of immediate) {
      if (value === undefined) delete running.parameters[name]
      else running.parameters[name] = value
    }
    if (immediate.length > 0 && instance.status !== 'stopped') touched.push(instance)
  }
  return touched
}

function isUsedBy(state: AwsState, group: ParameterGroup, instance: DbInstance): boolean {
  if (instance.region !== group.region) return false
  if (!group.ofCluster) return instance.parameterGroup === group.name
  const cluster = clusterOf(state, instance)
  return cluster !== undefined && clusterGroupOf(state, cluster).name === group.name
}
