/** Parameters of an RDS instance: those of its parameter group. A group may be of several instances, and RDS's own default ones cannot be
 *  changed: only a group that the instance has for itself is. */
import type { DBInstance, Parameter } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import type { CallOptions, ChangeOptions, ManagedPostgres } from '../port'
import type { Rds } from './client'
import { requireVery } from './instances'
import { everyInstance } from './listing'

type Wanted = Parameters<ManagedPostgres['setParameters']>[0]['parameters']
type Answer = Awaited<ReturnType<ManagedPostgres['setParameters']>>

export async function setParameters(
  rds: Rds,
  { instance, parameters }: Parameters<ManagedPostgres['setParameters']>[0],
  options: ChangeOptions,
): Promise<Answer> {
  const found = await requireVery(rds, instance, options)
  const { group, status } = groupOf(found)
  return setInGroup(rds, { group, status, what: `instance ${instance.name}`, users: [instance.name] }, parameters, options)
}

export function groupOf({ DBParameterGroups = [] }: DBInstance): { group: string; status: string } {
  const { DBParameterGroupName: group = '', ParameterApplyStatus: status = '' } = DBParameterGroups[0] ?? {}
  return { group, status }
}

export interface GroupInUse {
  readonly group: string
  /** How far the instance is with it. */
  readonly status: string
  /** Whose it is, for people. */
  readonly what: string
  /** Who may have it: nobody else's settings are changed. */
  readonly users: readonly string[]
}

export async function setInGroup(rds: Rds, used: GroupInUse, parameters: Wanted, options: ChangeOptions): Promise<Answer> {
  const { group, status, what } = used
  const known = await parametersOf(rds, group, options)
  const differing = Object.entries(parameters).filter(([name, value]) => known.get(name.toLowerCase())?.ParameterValue !== value)
  if (differing.length === 0) {
    return { done: status !== 'applying', restartNeeded: status === 'pending-reboot' }
  }
  const unknown = differing.map(([name]) => name).filter((name) => !known.has(name.toLowerCase()))
  if (unknown.length > 0) {
    throw failure('CLOUD_REFUSED', `Parameter group ${group} of ${what} has no ${unknown.join(', ')}.`, { parameterGroup: group })
  }
  await assertOwnGroup(rds, used, options)
  await rds.change('ModifyDBParameterGroup', options, (client) =>
    client.modifyDBParameterGroup({
      DBParameterGroupName: group,
      Parameters: differing.map(([ParameterName, ParameterValue]) => ({
        ParameterName,
        ParameterValue,
        ApplyMethod: known.get(ParameterName.toLowerCase())?.ApplyType === 'dynamic' ? 'immediate' : 'pending-reboot',
      })),
    }),
  )
  return { done: false, restartNeeded: false }
}

/** Those that somebody set in it. */
export async function ownParametersOf(rds: Rds, group: string, options: CallOptions): Promise<Record<string, string>> {
  const own = await listed(rds, { DBParameterGroupName: group, Source: 'user' }, options)
  return Object.fromEntries(own.map(({ ParameterName = '', ParameterValue = '' }) => [ParameterName, ParameterValue]))
}

/** By their names in lower case. */
async function parametersOf(rds: Rds, group: string, options: CallOptions): Promise<ReadonlyMap<string, Parameter>> {
  const found = await listed(rds, { DBParameterGroupName: group }, options)
  return new Map(found.map((parameter) => [(parameter.ParameterName ?? '').toLowerCase(), parameter]))
}

async function listed(
  rds: Rds,
  which: { DBParameterGroupName: string; Source?: 'user' },
  options: CallOptions,
): Promise<Parameter[]> {
  return rds.call('DescribeDBParameters', options, async (client) => {
    const found: Parameter[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeDBParameters(
        { ...which, ...(Marker === undefined ? {} : { Marker }) },
        { abortSignal: options.signal },
      )
      found.push(...(page.Parameters ?? []))
      Marker = page.Marker
    } while (Marker)
    return found
  })
}

async function assertOwnGroup(rds: Rds, { group, what, users }: GroupInUse, options: CallOptions): Promise<void> {
  const others = (await everyInstance(rds, options))
    .filter((instance) => groupOf(instance).group === group)
    .map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier)
    .filter((name) => !users.includes(name))
  const isDefault = group.startsWith('default.')
  if (!isDefault && others.length === 0) return
  const why = isDefault ? "is RDS's own and cannot be changed" : `is also that of ${others.join(', ')}`
  throw failure('CLOUD_REFUSED', `Parameter group ${group} of ${what} ${why}; give it a group of its own.`, {
    parameterGroup: group,
  })
}
