/** Inert copies of RDS instances: the parameter group and the security groups are given to the restore itself, so they hold before the
 *  first start. What a restore is not told has RDS's default, not the source's. */
import type { RDS } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import { assertMine } from '../owner'
import type { CallOptions, ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../port'
import type { Rds } from './client'
import { ensureInertParameters, NO_SUBSCRIPTIONS } from './inert-parameters'
import { adopting, findInstance, NO_RECORD, requireInstance } from './instances'
import { OF_INSTANCE } from './parameter-groups'
import { describeSnapshot, OF_INSTANCES } from './snapshots'
import { ownersTags, tagRecord } from './tags'

/** What both kinds of restore are told. Without a source the class is the snapshot's own, and the subnet group the request's or the account's default. */
function settingsOf(source: Source, input: CopyRequest) {
  const DBInstanceClass = input.instanceClass ?? source.instanceClass
  const DBSubnetGroupName = source.subnetGroup
  return {
    ...(DBInstanceClass === undefined ? {} : { DBInstanceClass }),
    ...(DBSubnetGroupName === undefined ? {} : { DBSubnetGroupName }),
    DBParameterGroupName: input.instance,
    VpcSecurityGroupIds: [...input.networkRules],
    PubliclyAccessible: false,
    MultiAZ: false,
    DeletionProtection: false,
    Tags: ownersTags(input.owner),
  }
}

interface Source {
  readonly instanceClass?: string | undefined
  readonly subnetGroup?: string | undefined
  readonly parameterGroup: string | { readonly family: string }
}

async function sourceOf(rds: Rds, { source }: CopyRequest, options: CallOptions): Promise<Source> {
  const { DBInstanceClass, DBSubnetGroup, DBParameterGroups } = await requireInstance(rds, source, options)
  const parameterGroup = DBParameterGroups?.[0]?.DBParameterGroupName ?? ''
  return { instanceClass: DBInstanceClass, subnetGroup: DBSubnetGroup?.DBSubnetGroupName, parameterGroup }
}

async function sourceIn(rds: Rds, snapshot: string, { subnetGroup }: CopyRequest, options: CallOptions): Promise<Source> {
  const found = await describeSnapshot(rds, OF_INSTANCES, snapshot, options)
  if (found === null) throw failure('SNAPSHOT_NOT_FOUND', `There is no snapshot ${snapshot} any more.`, { snapshot })
  return { subnetGroup, parameterGroup: { family: `postgres${found.engineVersion.split('.')[0]}` } }
}

async function startCopy(
  rds: Rds,
  action: string,
  input: CopyRequest & { readonly describe: (options: CallOptions) => Promise<Source> },
  options: ChangeOptions,
  restore: (client: RDS, settings: ReturnType<typeof settingsOf>) => Promise<unknown>,
): Promise<Started> {
  const existing = await findInstance(rds, input.instance, options)
  if (existing !== null) {
    assertMine(`Instance ${input.instance}`, tagRecord(existing.TagList), input.owner)
    return NO_RECORD
  }
  const source = await input.describe(options)
  await rds.change('CreateDBParameterGroup', options, (client) =>
    ensureInertParameters(
      OF_INSTANCE,
      client,
      { name: input.instance, sourceGroup: source.parameterGroup, parameters: [NO_SUBSCRIPTIONS], owner: input.owner },
      options,
    ),
  )
  await rds.change(action, options, (client) =>
    adopting(client, input, options, () => restore(client, settingsOf(source, input))),
  )
  return NO_RECORD
}

export function startInertRestore(
  rds: Rds,
  input: Parameters<ManagedPostgres['startInertRestore']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { snapshot, sourceGone } = input
  const describe = (asking: CallOptions) => (sourceGone ? sourceIn(rds, snapshot, input, asking) : sourceOf(rds, input, asking))
  return startCopy(rds, 'RestoreDBInstanceFromDBSnapshot', { ...input, describe }, options, (client, settings) =>
    client.restoreDBInstanceFromDBSnapshot({
      DBInstanceIdentifier: input.instance,
      DBSnapshotIdentifier: input.snapshot,
      ...settings,
    }),
  )
}

export function startRestoreToTime(
  rds: Rds,
  input: Parameters<ManagedPostgres['startRestoreToTime']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const describe = (asking: CallOptions) => sourceOf(rds, input, asking)
  return startCopy(rds, 'RestoreDBInstanceToPointInTime', { ...input, describe }, options, (client, settings) =>
    client.restoreDBInstanceToPointInTime({
      SourceDBInstanceIdentifier: input.source,
      TargetDBInstanceIdentifier: input.instance,
      RestoreTime: new Date(input.at),
      ...settings,
    }),
  )
}

export async function restoreWindow(
  rds: Rds,
  name: string,
  options: CallOptions,
): Promise<Awaited<ReturnType<ManagedPostgres['restoreWindow']>>> {
  const { DbiResourceId } = await requireInstance(rds, name, options)
  return rds.call('DescribeDBInstanceAutomatedBackups', options, async (client) => {
    const found = await client.describeDBInstanceAutomatedBackups({ DBInstanceIdentifier: name }, { abortSignal: options.signal })
    // Those of an earlier instance of the name are listed too, while they are kept.
    const own = found.DBInstanceAutomatedBackups?.find((backup) => backup.DbiResourceId === DbiResourceId)
    const { EarliestTime, LatestTime } = own?.RestoreWindow ?? {}
    if (EarliestTime === undefined || LatestTime === undefined) return null
    return { earliest: EarliestTime.toISOString(), latest: LatestTime.toISOString() }
  })
}
