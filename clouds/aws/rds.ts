/** Amazon RDS for PostgreSQL behind the port, over the vendor's own SDK. Region, credentials and endpoint come from the SDK's own chain. */
import type { DBInstance, RDS, RDSClientConfig } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import type { CallOptions, ChangeOptions, ManagedPostgres } from '../port'
import { lazyRds, type Rds } from './client'
import { instanceDescription } from './describe'
import { errorName } from './failures'
import { ensureInertParameters } from './inert-parameters'
import { describeSnapshot, listSnapshots, removeSnapshot, startSnapshot } from './snapshots'
import { assertMine, OPERATION_TAG, ownerTags, tagRecord } from './tags'

async function findInstance(rds: Rds, name: string, options: CallOptions): Promise<DBInstance | null> {
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

/** What may be removed: named for the operation *and* tagged with it. Neither alone is enough to delete a database. */
function isTemporaryOf(operation: string, instance: DBInstance): boolean {
  const named = instance.DBInstanceIdentifier?.startsWith(`cap-${operation}-`) ?? false
  return named && tagRecord(instance.TagList)[OPERATION_TAG] === operation
}

async function ownedInstances(rds: Rds, operation: string, options: CallOptions): Promise<DBInstance[]> {
  return rds.call('DescribeDBInstances', options, async (client) => {
    const owned: DBInstance[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeDBInstances(Marker === undefined ? {} : { Marker }, { abortSignal: options.signal })
      owned.push(...(page.DBInstances ?? []).filter((instance) => isTemporaryOf(operation, instance)))
      Marker = page.Marker
    } while (Marker)
    return owned
  })
}

async function startInertRestore(
  rds: Rds,
  input: Parameters<ManagedPostgres['startInertRestore']>[0],
  options: ChangeOptions,
): Promise<void> {
  const existing = await findInstance(rds, input.instance, options)
  if (existing !== null) return assertMine(`Instance ${input.instance}`, tagRecord(existing.TagList), input.owner)
  const source = await findInstance(rds, input.source, options)
  if (source === null) throw failure('INSTANCE_NOT_FOUND', `RDS has no instance ${input.source}.`, { instance: input.source })
  const sourceGroup = source.DBParameterGroups?.[0]?.DBParameterGroupName ?? ''
  const DBInstanceClass = input.instanceClass ?? source.DBInstanceClass
  await rds.change('CreateDBParameterGroup', options, (client) =>
    ensureInertParameters(client, { name: input.instance, sourceGroup, owner: input.owner }, options),
  )
  await rds.change('RestoreDBInstanceFromDBSnapshot', options, async (client) => {
    try {
      await client.restoreDBInstanceFromDBSnapshot({
        DBInstanceIdentifier: input.instance,
        DBSnapshotIdentifier: input.snapshot,
        ...(DBInstanceClass === undefined ? {} : { DBInstanceClass }),
        ...(source.DBSubnetGroup?.DBSubnetGroupName === undefined
          ? {}
          : { DBSubnetGroupName: source.DBSubnetGroup.DBSubnetGroupName }),
        DBParameterGroupName: input.instance,
        VpcSecurityGroupIds: [...input.securityGroups],
        PubliclyAccessible: false,
        MultiAZ: false,
        DeletionProtection: false,
        Tags: ownerTags(input.owner),
      })
    } catch (error) {
      if (!errorName(error).startsWith('DBInstanceAlreadyExists')) throw error
      const made = await client.describeDBInstances({ DBInstanceIdentifier: input.instance }, { abortSignal: options.signal })
      assertMine(`Instance ${input.instance}`, tagRecord(made.DBInstances?.[0]?.TagList), input.owner)
    }
  })
}

async function removeInstance(rds: Rds, instance: DBInstance, options: ChangeOptions): Promise<void> {
  if (instance.DBInstanceStatus === 'deleting') return
  await rds.change('DeleteDBInstance', options, async (client) => {
    try {
      await client.deleteDBInstance({
        DBInstanceIdentifier: instance.DBInstanceIdentifier ?? '',
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      })
    } catch (error) {
      // Gone meanwhile, or in a state from which it cannot go yet: whoever waits for the removal asks again.
      const name = errorName(error)
      if (name.startsWith('DBInstanceNotFound') || name.startsWith('InvalidDBInstanceState')) return
      throw error
    }
  })
}

async function removeGroup(
  client: RDS,
  group: { name: string; arn: string; operation: string },
  options: CallOptions,
): Promise<void> {
  try {
    const tags = await client.listTagsForResource({ ResourceName: group.arn }, { abortSignal: options.signal })
    if (tagRecord(tags.TagList)[OPERATION_TAG] !== group.operation) return
    await client.deleteDBParameterGroup({ DBParameterGroupName: group.name })
  } catch (error) {
    // The SDK's own retry after a lost response finds it gone.
    if (!errorName(error).startsWith('DBParameterGroupNotFound')) throw error
  }
}

/** Parameter groups can go only after the instances that use them. */
async function removeOwnedParameterGroups(rds: Rds, operation: string, options: ChangeOptions): Promise<void> {
  await rds.change('DeleteDBParameterGroup', options, async (client) => {
    let Marker: string | undefined
    do {
      const page = await client.describeDBParameterGroups(Marker === undefined ? {} : { Marker }, { abortSignal: options.signal })
      for (const group of page.DBParameterGroups ?? []) {
        // Named `cap-<operation>-<step>`: the name narrows the look-up, the tag decides.
        if (!group.DBParameterGroupName?.startsWith(`cap-${operation}-`) || group.DBParameterGroupArn === undefined) continue
        await removeGroup(client, { name: group.DBParameterGroupName, arn: group.DBParameterGroupArn, operation }, options)
      }
      Marker = page.Marker
    } while (Marker)
  })
}

async function resetPassword(rds: Rds, input: Parameters<ManagedPostgres['startPasswordReset']>[0], options: ChangeOptions) {
  const instance = await findInstance(rds, input.instance, options)
  if (instance === null)
    throw failure('INSTANCE_NOT_FOUND', `RDS has no instance ${input.instance}.`, { instance: input.instance })
  // A password is only ever reset on a copy that this operation made.
  assertMine(`Instance ${input.instance}`, tagRecord(instance.TagList), input)
  await rds.change('ModifyDBInstance', options, (client) =>
    client.modifyDBInstance({
      DBInstanceIdentifier: input.instance,
      MasterUserPassword: input.password,
      ApplyImmediately: true,
    }),
  )
}

export function createRds(config: RDSClientConfig): ManagedPostgres {
  const rds = lazyRds(config)
  return {
    async describeInstance({ name }, options) {
      const raw = await findInstance(rds, name, options)
      return raw === null ? null : instanceDescription(raw)
    },
    describeSnapshot: ({ name }, options) => describeSnapshot(rds, name, options),
    listSnapshots: ({ instanceId }, options) => listSnapshots(rds, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(rds, input, options),
    startSnapshotRemoval: (input, options) => removeSnapshot(rds, input, options),
    startInertRestore: (input, options) => startInertRestore(rds, input, options),
    startPasswordReset: (input, options) => resetPassword(rds, input, options),
    async removeOwnedInstances({ operation }, options) {
      const owned = await ownedInstances(rds, operation, options)
      for (const instance of owned) await removeInstance(rds, instance, options)
      if (owned.length > 0) return { done: false, removing: owned.map((instance) => instance.DBInstanceIdentifier ?? '') }
      await removeOwnedParameterGroups(rds, operation, options)
      return { done: true, removing: [] }
    },
  }
}
