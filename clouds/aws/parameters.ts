/** Parameters of an RDS instance: those of its parameter group. A group may be of several instances, and RDS's own default ones cannot be
 *  changed: only a group that the instance has for itself is. */
import type { Parameter } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import type { CallOptions, ChangeOptions, ManagedPostgres } from '../port'
import type { Rds } from './client'
import { allInstances, requireVery } from './instances'

export async function setParameters(
  rds: Rds,
  { instance, parameters }: Parameters<ManagedPostgres['setParameters']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const { DBParameterGroups = [] } = await requireVery(rds, instance, options)
  const { DBParameterGroupName: group = '', ParameterApplyStatus: status } = DBParameterGroups[0] ?? {}
  const known = await parametersOf(rds, group, options)
  const differing = Object.entries(parameters).filter(([name, value]) => known.get(name)?.ParameterValue !== value)
  if (differing.length === 0) {
    return { done: status !== 'applying', restartNeeded: status === 'pending-reboot' }
  }
  await assertOwnGroup(rds, { group, instance: instance.name }, options)
  await rds.change('ModifyDBParameterGroup', options, (client) =>
    client.modifyDBParameterGroup({
      DBParameterGroupName: group,
      Parameters: differing.map(([ParameterName, ParameterValue]) => ({
        ParameterName,
        ParameterValue,
        ApplyMethod: known.get(ParameterName)?.ApplyType === 'dynamic' ? 'immediate' : 'pending-reboot',
      })),
    }),
  )
  return { done: false, restartNeeded: false }
}

async function parametersOf(rds: Rds, group: string, options: CallOptions): Promise<ReadonlyMap<string, Parameter>> {
  return rds.call('DescribeDBParameters', options, async (client) => {
    const found: Parameter[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeDBParameters(
        { DBParameterGroupName: group, ...(Marker === undefined ? {} : { Marker }) },
        { abortSignal: options.signal },
      )
      found.push(...(page.Parameters ?? []))
      Marker = page.Marker
    } while (Marker)
    return new Map(found.map((parameter) => [parameter.ParameterName ?? '', parameter]))
  })
}

async function assertOwnGroup(
  rds: Rds,
  { group, instance }: { group: string; instance: string },
  options: CallOptions,
): Promise<void> {
  const users = (await allInstances(rds, options))
    .filter(({ DBParameterGroups = [] }) => DBParameterGroups.some(({ DBParameterGroupName }) => DBParameterGroupName === group))
    .map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier)
  const others = users.filter((name) => name !== instance)
  const isDefault = group.startsWith('default.')
  if (!isDefault && others.length === 0) return
  const why = isDefault ? "is RDS's own and cannot be changed" : `is also that of ${others.join(', ')}`
  throw failure(
    'CLOUD_REFUSED',
    `Parameter group ${group} of instance ${instance} ${why}; give the instance a group of its own.`,
    {
      parameterGroup: group,
    },
  )
}
