/** Amazon RDS for PostgreSQL behind the port, over the vendor's own SDK. The SDK is loaded on first use: it costs 160 ms and
 *  19 MiB, which a worker without this cloud should not pay. Region, credentials and endpoint come from the SDK's own chain. */
import type { DBInstance, RDS, RDSClientConfig } from '@aws-sdk/client-rds'
import { Failure, failure } from '../../contracts/failures'
import type { CallOptions, ManagedPostgres, Owner } from '../port'
import { instanceDescription, snapshotDescription } from './describe'
import { errorName, rdsFailure } from './failures'
import { ensureInertParameters } from './inert-parameters'
import { assertMine, OPERATION_TAG, ownerTags, tagRecord } from './tags'

interface Rds {
  /** Runs one call; `action` names it in failures. */
  call<T>(action: string, options: CallOptions, act: (rds: RDS) => Promise<T>): Promise<T>
}

function lazyRds(config: RDSClientConfig): Rds {
  let client: Promise<RDS> | null = null
  return {
    async call(action, options, act) {
      try {
        client ??= import('@aws-sdk/client-rds').then(({ RDS }) => new RDS(config))
        return await act(await client)
      } catch (error) {
        throw error instanceof Failure ? error : rdsFailure(action, error, options.signal)
      }
    },
  }
}

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

async function describeSnapshot(rds: Rds, name: string, options: CallOptions) {
  return rds.call('DescribeDBSnapshots', options, async (client) => {
    try {
      const found = await client.describeDBSnapshots({ DBSnapshotIdentifier: name }, { abortSignal: options.signal })
      const raw = found.DBSnapshots?.[0]
      return raw === undefined ? null : snapshotDescription(raw)
    } catch (error) {
      if (errorName(error).startsWith('DBSnapshotNotFound')) return null
      throw error
    }
  })
}

async function startSnapshot(rds: Rds, input: { instance: string; snapshot: string; owner: Owner }, options: CallOptions) {
  // Describe first: a repeat after an unknown outcome must find the one that was made, not make the API refuse.
  const existing = await describeSnapshot(rds, input.snapshot, options)
  if (existing === null) {
    await rds.call('CreateDBSnapshot', options, async (client) => {
      try {
        await client.createDBSnapshot(
          { DBInstanceIdentifier: input.instance, DBSnapshotIdentifier: input.snapshot, Tags: ownerTags(input.owner) },
          { abortSignal: options.signal },
        )
      } catch (error) {
        // The SDK's own retry after a lost response meets what its first try made.
        if (!errorName(error).startsWith('DBSnapshotAlreadyExists')) throw error
      }
    })
  }
  const made = existing ?? (await describeSnapshot(rds, input.snapshot, options))
  if (made === null) throw failure('NOT_READY_YET', `Snapshot ${input.snapshot} is not listed yet.`)
  assertMine(`Snapshot ${input.snapshot}`, made.tags, input.owner)
  return made
}

async function startInertRestore(
  rds: Rds,
  input: Parameters<ManagedPostgres['startInertRestore']>[0],
  options: CallOptions,
): Promise<void> {
  const existing = await findInstance(rds, input.instance, options)
  if (existing !== null) return assertMine(`Instance ${input.instance}`, tagRecord(existing.TagList), input.owner)
  const source = await findInstance(rds, input.source, options)
  if (source === null) throw failure('INSTANCE_NOT_FOUND', `RDS has no instance ${input.source}.`, { instance: input.source })
  const sourceGroup = source.DBParameterGroups?.[0]?.DBParameterGroupName ?? ''
  const DBInstanceClass = input.instanceClass ?? source.DBInstanceClass
  await rds.call('CreateDBParameterGroup', options, (client) =>
    ensureInertParameters(client, { name: input.instance, sourceGroup, owner: input.owner }, options),
  )
  await rds.call('RestoreDBInstanceFromDBSnapshot', options, async (client) => {
    try {
      await client.restoreDBInstanceFromDBSnapshot(
        {
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
        },
        { abortSignal: options.signal },
      )
    } catch (error) {
      if (!errorName(error).startsWith('DBInstanceAlreadyExists')) throw error
      const made = await client.describeDBInstances({ DBInstanceIdentifier: input.instance }, { abortSignal: options.signal })
      assertMine(`Instance ${input.instance}`, tagRecord(made.DBInstances?.[0]?.TagList), input.owner)
    }
  })
}

async function removeInstance(rds: Rds, instance: DBInstance, options: CallOptions): Promise<void> {
  if (instance.DBInstanceStatus === 'deleting') return
  await rds.call('DeleteDBInstance', options, async (client) => {
    try {
      await client.deleteDBInstance(
        { DBInstanceIdentifier: instance.DBInstanceIdentifier ?? '', SkipFinalSnapshot: true, DeleteAutomatedBackups: true },
        { abortSignal: options.signal },
      )
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
    await client.deleteDBParameterGroup({ DBParameterGroupName: group.name }, { abortSignal: options.signal })
  } catch (error) {
    // The SDK's own retry after a lost response finds it gone.
    if (!errorName(error).startsWith('DBParameterGroupNotFound')) throw error
  }
}

/** Parameter groups can go only after the instances that use them. */
async function removeOwnedParameterGroups(rds: Rds, operation: string, options: CallOptions): Promise<void> {
  await rds.call('DeleteDBParameterGroup', options, async (client) => {
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

async function removeSnapshot(rds: Rds, input: { snapshot: string; operation: string }, options: CallOptions): Promise<void> {
  const snapshot = await describeSnapshot(rds, input.snapshot, options)
  if (snapshot === null || snapshot.state === 'deleting') return
  assertMine(`Snapshot ${input.snapshot}`, snapshot.tags, input)
  await rds.call('DeleteDBSnapshot', options, async (client) => {
    try {
      await client.deleteDBSnapshot({ DBSnapshotIdentifier: input.snapshot }, { abortSignal: options.signal })
    } catch (error) {
      if (!errorName(error).startsWith('DBSnapshotNotFound')) throw error
    }
  })
}

async function resetPassword(rds: Rds, input: Parameters<ManagedPostgres['startPasswordReset']>[0], options: CallOptions) {
  const instance = await findInstance(rds, input.instance, options)
  if (instance === null)
    throw failure('INSTANCE_NOT_FOUND', `RDS has no instance ${input.instance}.`, { instance: input.instance })
  // A password is only ever reset on a copy that this operation made.
  assertMine(`Instance ${input.instance}`, tagRecord(instance.TagList), input)
  await rds.call('ModifyDBInstance', options, (client) =>
    client.modifyDBInstance(
      { DBInstanceIdentifier: input.instance, MasterUserPassword: input.password, ApplyImmediately: true },
      { abortSignal: options.signal },
    ),
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
