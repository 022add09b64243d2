/** New clusters: first the cluster, then, once that is available, its one writer. Between the two the call is to be repeated. */
import type { RDS } from '@aws-sdk/client-rds'
import { failure } from '../../../contracts/failures'
import { assertMine } from '../../owner'
import type { CallOptions, ChangeOptions, ManagedPostgres, Owner, Started } from '../../port'
import type { Rds } from '../client'
import { resourceState } from '../describe'
import { errorName } from '../failures'
import { adopting, NO_RECORD } from '../instances'
import { ownersTags, tagRecord } from '../tags'
import { parseClass, scalingOf } from './capacity'
import { findCluster } from './clusters'
import { AURORA, type Cluster } from './describe'

export async function startCreate(
  rds: Rds,
  input: Parameters<ManagedPostgres['startCreate']>[0],
  options: ChangeOptions,
): Promise<Started> {
  refuseSize(input)
  const { instance, owner } = input
  const existing = await findCluster(rds, instance, options)
  if (existing === null) {
    await rds.change('CreateDBCluster', options, (client) =>
      adoptingCluster(client, input, options, () =>
        client.createDBCluster({
          DBClusterIdentifier: instance,
          Engine: AURORA,
          EngineVersion: input.engineVersion,
          MasterUsername: input.master.name,
          MasterUserPassword: input.master.password,
          StorageEncrypted: true,
          DeletionProtection: input.deletionProtected,
          ...scalingOf(parseClass(input.instanceClass)),
          Tags: ownersTags(owner),
        }),
      ),
    )
  }
  return ensureWriter(rds, { instance, owner, classFor: async () => input.instanceClass, group: null }, options)
}

/** @throws CLOUD_REFUSED: nobody shall wait for a size that Aurora never shows. */
export function refuseSize({ storageGib }: { readonly storageGib: number | null }): void {
  if (storageGib === null) return
  throw failure('CLOUD_REFUSED', "An Aurora cluster's storage grows by itself and has no size to be given; leave it out.", {
    storageGib,
  })
}

/** Adopts what the SDK's own retry after a lost response meets: what its first try made. */
export async function adoptingCluster(
  client: RDS,
  { instance, owner }: { instance: string; owner: Owner },
  options: CallOptions,
  make: () => Promise<unknown>,
): Promise<void> {
  try {
    await make()
  } catch (error) {
    if (!errorName(error).startsWith('DBClusterAlreadyExists')) throw error
    const made = await client.describeDBClusters({ DBClusterIdentifier: instance }, { abortSignal: options.signal })
    assertMine(`Cluster ${instance}`, tagRecord(made.DBClusters?.[0]?.TagList), owner)
  }
}

interface WantedWriter {
  /** The cluster's name. */
  readonly instance: string
  readonly owner: Owner
  /** Asked only when there is a writer to be made. */
  classFor(): Promise<string>
  /** Its parameter group; null: RDS's own. */
  readonly group: string | null
}

/** A name that says nothing of its role, which a failover changes. */
function memberName(cluster: string): string {
  return `${cluster}-1`
}

/** @throws NOT_READY_YET while the cluster is being made. One that failed is left to its description. */
export async function ensureWriter(rds: Rds, wanted: WantedWriter, options: ChangeOptions): Promise<Started> {
  const { instance, owner, group } = wanted
  const cluster = await findCluster(rds, instance, options)
  if (cluster === null) throw failure('NOT_READY_YET', `Cluster ${instance} is not listed yet.`, { instance })
  assertMine(`Cluster ${instance}`, tagRecord(cluster.raw.TagList), owner)
  if (cluster.members.length > 0 || !takesWriter(cluster)) return NO_RECORD
  const { DBInstanceClass } = parseClass(await wanted.classFor())
  await rds.change('CreateDBInstance', options, (client) =>
    adopting(client, { instance: memberName(instance), owner }, options, () =>
      client.createDBInstance({
        DBInstanceIdentifier: memberName(instance),
        DBClusterIdentifier: instance,
        Engine: AURORA,
        DBInstanceClass,
        ...(group !== null && { DBParameterGroupName: group }),
        PubliclyAccessible: false,
        Tags: ownersTags(owner),
      }),
    ),
  )
  return NO_RECORD
}

/** @throws NOT_READY_YET. */
function takesWriter({ name, raw: { Status = 'unknown' } }: Cluster): boolean {
  const state = resourceState(Status)
  if (state === 'ready') return true
  if (state === 'failed') return false
  throw failure('NOT_READY_YET', `Cluster ${name} is ${Status}; its writer is made once it is available.`, { instance: name })
}
