/** Inert copies of RDS instances: the parameter group and the security groups are given to the restore itself, so they hold before the
 *  first start. What a restore is not told has RDS's default, not the source's. */
import type { DBInstance, RDS } from '@aws-sdk/client-rds'
import { assertMine } from '../owner'
import type { CallOptions, ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../port'
import type { Rds } from './client'
import { ensureInertParameters } from './inert-parameters'
import { adopting, findInstance, NO_RECORD, requireInstance } from './instances'
import { ownersTags, tagRecord } from './tags'

/** What both kinds of restore are told. */
function settingsOf(source: DBInstance, input: CopyRequest) {
  const DBInstanceClass = input.instanceClass ?? source.DBInstanceClass
  const DBSubnetGroupName = source.DBSubnetGroup?.DBSubnetGroupName
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

async function startCopy(
  rds: Rds,
  action: string,
  input: CopyRequest,
  options: ChangeOptions,
  restore: (client: RDS, settings: ReturnType<typeof settingsOf>) => Promise<unknown>,
): Promise<Started> {
  const existing = await findInstance(rds, input.instance, options)
  if (existing !== null) {
    assertMine(`Instance ${input.instance}`, tagRecord(existing.TagList), input.owner)
    return NO_RECORD
  }
  const source = await requireInstance(rds, input.source, options)
  const sourceGroup = source.DBParameterGroups?.[0]?.DBParameterGroupName ?? ''
  await rds.change('CreateDBParameterGroup', options, (client) =>
    ensureInertParameters(client, { name: input.instance, sourceGroup, owner: input.owner }, options),
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
  return startCopy(rds, 'RestoreDBInstanceFromDBSnapshot', input, options, (client, settings) =>
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
  return startCopy(rds, 'RestoreDBInstanceToPointInTime', input, options, (client, settings) =>
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
