/** RDS instances: found, listed, made, changed, removed. */
import type { DBInstance, RDS } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import { assertMine, assertRemovable, assertRunning, assertVery, instanceNotFound, requireSize } from '../owner'
import type { CallOptions, ChangeOptions, InstanceRef, ManagedPostgres, Owner, Started } from '../port'
import type { Rds } from './client'
import { instanceDescription } from './describe'
import { errorName } from './failures'
import { unlessGone } from './gone'
import { everyInstance } from './listing'
import { ownersTags, tagRecord } from './tags'

/** RDS keeps none that can be asked for: what was accepted shows in the instance. */
export const NO_RECORD: Started = { operation: null }

export async function findInstance(rds: Rds, name: string, options: CallOptions): Promise<DBInstance | null> {
  return rds.call('DescribeDBInstances', options, async (client) => {
    try {
      const found = await client.describeDBInstances({ DBInstanceIdentifier: name }, { abortSignal: options.signal })
      return found.DBInstances?.[0] ?? null
    } catch (error) {
      if (errorName(error).startsWith('DBInstanceNotFound')) return null
      throw error
    }
  })
}

/** @throws CLOUD_REFUSED for a member: its data, its snapshots and who may connect are its cluster's. */
export function assertNoMember({ DBInstanceIdentifier: name = '', DBClusterIdentifier: cluster }: DBInstance): void {
  if (cluster === undefined) return
  throw failure(
    'CLOUD_REFUSED',
    `Instance ${name} is a member of cluster ${cluster}. For one of Aurora name the cluster as \`instance\` in the fleet file, with \`aurora: true\`.`,
    { instance: name, cluster },
  )
}

/** @throws INSTANCE_NOT_FOUND, CLOUD_REFUSED. */
export async function requireInstance(rds: Rds, name: string, options: CallOptions): Promise<DBInstance> {
  const found = await findInstance(rds, name, options)
  if (found === null) throw instanceNotFound('RDS', name)
  assertNoMember(found)
  return found
}

/** @throws INSTANCE_NOT_FOUND, TARGET_MISMATCH. */
export async function requireVery(rds: Rds, instance: InstanceRef, options: CallOptions): Promise<DBInstance> {
  const found = await requireInstance(rds, instance.name, options)
  assertVery('RDS', instanceDescription(found), instance)
  return found
}

/** Instances of their own: members belong to their cluster. */
export async function allInstances(rds: Rds, options: CallOptions): Promise<DBInstance[]> {
  const found = await everyInstance(rds, options)
  return found.filter(({ Engine, DBClusterIdentifier }) => Engine === 'postgres' && DBClusterIdentifier === undefined)
}

/** Adopts what the SDK's own retry after a lost response meets: what its first try made. */
export async function adopting(
  client: RDS,
  request: { instance: string; owner: Owner },
  options: CallOptions,
  make: () => Promise<unknown>,
): Promise<void> {
  try {
    await make()
  } catch (error) {
    if (!errorName(error).startsWith('DBInstanceAlreadyExists')) throw error
    const made = await client.describeDBInstances({ DBInstanceIdentifier: request.instance }, { abortSignal: options.signal })
    assertMine(`Instance ${request.instance}`, tagRecord(made.DBInstances?.[0]?.TagList), request.owner)
  }
}

export async function startCreate(
  rds: Rds,
  input: Parameters<ManagedPostgres['startCreate']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const existing = await findInstance(rds, input.instance, options)
  if (existing !== null) {
    assertMine(`Instance ${input.instance}`, tagRecord(existing.TagList), input.owner)
    return NO_RECORD
  }
  await rds.change('CreateDBInstance', options, (client) =>
    adopting(client, input, options, () =>
      client.createDBInstance({
        DBInstanceIdentifier: input.instance,
        Engine: 'postgres',
        EngineVersion: input.engineVersion,
        DBInstanceClass: input.instanceClass,
        AllocatedStorage: requireSize(input),
        StorageEncrypted: true,
        MasterUsername: input.master.name,
        MasterUserPassword: input.master.password,
        PubliclyAccessible: false,
        DeletionProtection: input.deletionProtected,
        Tags: ownersTags(input.owner),
      }),
    ),
  )
  return NO_RECORD
}

export async function startScale(
  rds: Rds,
  { instance, instanceClass, storageGib }: Parameters<ManagedPostgres['startScale']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { DBInstanceClass, AllocatedStorage = 0 } = await requireVery(rds, instance, options)
  const wanted = {
    ...(instanceClass === null || instanceClass === DBInstanceClass ? {} : { DBInstanceClass: instanceClass }),
    ...(storageGib === null || storageGib <= AllocatedStorage ? {} : { AllocatedStorage: storageGib }),
  }
  if (Object.keys(wanted).length === 0) return NO_RECORD
  await rds.change('ModifyDBInstance', options, (client) =>
    client.modifyDBInstance({ DBInstanceIdentifier: instance.name, ...wanted, ApplyImmediately: true }),
  )
  return NO_RECORD
}

export async function startRestart(rds: Rds, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const found = await requireVery(rds, instance, options)
  if (found.DBInstanceStatus === 'rebooting') return NO_RECORD
  assertRunning(instanceDescription(found))
  await rds.change('RebootDBInstance', options, (client) => client.rebootDBInstance({ DBInstanceIdentifier: instance.name }))
  return NO_RECORD
}

export async function startStop(rds: Rds, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const { DBInstanceStatus = '' } = await requireVery(rds, instance, options)
  if (['stopped', 'stopping'].includes(DBInstanceStatus)) return NO_RECORD
  await rds.change('StopDBInstance', options, (client) => client.stopDBInstance({ DBInstanceIdentifier: instance.name }))
  return NO_RECORD
}

export async function startStart(rds: Rds, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const { DBInstanceStatus = '' } = await requireVery(rds, instance, options)
  // One that is still being stopped is refused, and asked again.
  if (!['stopped', 'stopping'].includes(DBInstanceStatus)) return NO_RECORD
  await rds.change('StartDBInstance', options, (client) => client.startDBInstance({ DBInstanceIdentifier: instance.name }))
  return NO_RECORD
}

export async function setNetworkRules(
  rds: Rds,
  { instance, networkRules }: Parameters<ManagedPostgres['setNetworkRules']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  const { VpcSecurityGroups = [] } = await requireVery(rds, instance, options)
  const standing = VpcSecurityGroups.map(({ VpcSecurityGroupId = '' }) => VpcSecurityGroupId)
  const same = new Set(standing).size === new Set(networkRules).size && networkRules.every((id) => standing.includes(id))
  if (same) return { done: VpcSecurityGroups.every(({ Status }) => Status === 'active') }
  // Security groups do not wait for ApplyImmediately, which would apply whatever else is pending.
  await rds.change('ModifyDBInstance', options, (client) =>
    client.modifyDBInstance({ DBInstanceIdentifier: instance.name, VpcSecurityGroupIds: [...networkRules] }),
  )
  return { done: false }
}

/** Looks no further: whoever calls has decided that it goes. A member has no data and no backups of its own. */
export async function deleteInstance(
  rds: Rds,
  { DBInstanceIdentifier: name = '', DBClusterIdentifier: cluster }: DBInstance,
  options: ChangeOptions,
): Promise<void> {
  const data = cluster === undefined ? { SkipFinalSnapshot: true, DeleteAutomatedBackups: true } : {}
  await rds.change('DeleteDBInstance', options, async (client) => {
    try {
      await client.deleteDBInstance({ DBInstanceIdentifier: name, ...data })
    } catch (error) {
      // Gone meanwhile, or in a state from which it cannot go yet: whoever waits for the removal asks again.
      const problem = errorName(error)
      if (problem.startsWith('DBInstanceNotFound') || problem.startsWith('InvalidDBInstanceState')) return
      await unlessGone(error, async () => (await findInstance(rds, name, options)) !== null)
    }
  })
}

export async function startRemoval(
  rds: Rds,
  input: Parameters<ManagedPostgres['startRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const found = await findInstance(rds, input.instance.name, options)
  if (found === null || found.DBInstanceStatus === 'deleting') return NO_RECORD
  assertRemovable('RDS', instanceDescription(found), input)
  await deleteInstance(rds, found, options)
  return NO_RECORD
}

export async function resetPassword(
  rds: Rds,
  input: Parameters<ManagedPostgres['startPasswordReset']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const instance = await requireInstance(rds, input.instance, options)
  // A password is only ever reset on a copy that this operation made.
  assertMine(`Instance ${input.instance}`, tagRecord(instance.TagList), input)
  await rds.change('ModifyDBInstance', options, (client) =>
    client.modifyDBInstance({
      DBInstanceIdentifier: input.instance,
      MasterUserPassword: input.password,
      ApplyImmediately: true,
    }),
  )
  return NO_RECORD
}
