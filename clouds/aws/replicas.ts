/** Read replicas of RDS instances. */
import { failure } from '../../contracts/failures'
import { assertMine, cannotAwaitSource, unlessPromoted } from '../owner'
import type { ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../port'
import type { Rds } from './client'
import { adopting, findInstance, NO_RECORD, requireInstance, requireVery } from './instances'
import { ownersTags, tagRecord } from './tags'

export async function startReplica(rds: Rds, input: CopyRequest, options: ChangeOptions): Promise<Started> {
  const existing = await findInstance(rds, input.instance, options)
  if (existing !== null) {
    assertMine(`Instance ${input.instance}`, tagRecord(existing.TagList), input.owner)
    return NO_RECORD
  }
  const { BackupRetentionPeriod, DBInstanceClass } = await requireInstance(rds, input.source, options)
  if (BackupRetentionPeriod === 0) {
    // RDS says only that the state is invalid, which else passes.
    throw failure(
      'CLOUD_REFUSED',
      `Instance ${input.source} keeps no automated backups; without them RDS makes no replica of it.`,
    )
  }
  await rds.change('CreateDBInstanceReadReplica', options, (client) =>
    adopting(client, input, options, () =>
      client.createDBInstanceReadReplica({
        DBInstanceIdentifier: input.instance,
        SourceDBInstanceIdentifier: input.source,
        DBInstanceClass: input.instanceClass ?? DBInstanceClass,
        VpcSecurityGroupIds: [...input.networkRules],
        PubliclyAccessible: false,
        DeletionProtection: false,
        Tags: ownersTags(input.owner),
      }),
    ),
  )
  return NO_RECORD
}

export async function startPromotion(
  rds: Rds,
  { instance, awaitSource }: Parameters<ManagedPostgres['startPromotion']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { ReadReplicaSourceDBInstanceIdentifier: source } = await requireVery(rds, instance, options)
  if (!source) return NO_RECORD
  if (awaitSource) throw cannotAwaitSource('RDS', instance)
  const promote = async (): Promise<Started> => {
    await rds.change('PromoteReadReplica', options, (client) =>
      client.promoteReadReplica({ DBInstanceIdentifier: instance.name }),
    )
    return NO_RECORD
  }
  const isReplica = async (): Promise<boolean> =>
    Boolean((await requireVery(rds, instance, options)).ReadReplicaSourceDBInstanceIdentifier)
  return unlessPromoted(promote, isReplica)
}
