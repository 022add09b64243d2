/** Aurora clusters with their members: found and listed. */
import type { DBInstance } from '@aws-sdk/client-rds'
import { failure } from '../../../contracts/failures'
import { assertVery, instanceNotFound } from '../../owner'
import type { CallOptions, InstanceRef } from '../../port'
import type { Rds } from '../client'
import { errorName } from '../failures'
import { everyCluster, everyInstance } from '../listing'
import { AURORA, type Cluster, clusterDescription, clusterWith } from './describe'

/** @throws CLOUD_REFUSED for a cluster of another engine, which has the same API. */
export async function findCluster(rds: Rds, name: string, options: CallOptions): Promise<Cluster | null> {
  const raw = await rds.call('DescribeDBClusters', options, async (client) => {
    try {
      const found = await client.describeDBClusters({ DBClusterIdentifier: name }, { abortSignal: options.signal })
      return found.DBClusters?.[0] ?? null
    } catch (error) {
      if (errorName(error).startsWith('DBClusterNotFound')) return null
      throw error
    }
  })
  if (raw === null) return null
  if (raw.Engine !== AURORA) {
    throw failure('CLOUD_REFUSED', `Cluster ${name} is of the engine ${raw.Engine}; only ${AURORA} is known here.`, {
      instance: name,
    })
  }
  return clusterWith(raw, await everyInstance(rds, options, raw.DBClusterIdentifier ?? name))
}

/** @throws INSTANCE_NOT_FOUND. */
export async function requireCluster(rds: Rds, name: string, options: CallOptions): Promise<Cluster> {
  const found = await findCluster(rds, name, options)
  if (found === null) throw instanceNotFound('Aurora', name)
  return found
}

/** @throws INSTANCE_NOT_FOUND, TARGET_MISMATCH. */
export async function requireVery(rds: Rds, instance: InstanceRef, options: CallOptions): Promise<Cluster> {
  const found = await requireCluster(rds, instance.name, options)
  assertVery('Aurora', { instanceId: found.raw.DbClusterResourceId ?? '' }, instance)
  return found
}

/** @throws CLOUD_REFUSED for a cluster without members, or one that follows another. */
export function requireWriter(cluster: Cluster): DBInstance & { DBInstanceIdentifier: string } {
  const { name, writer } = cluster
  const { DBInstanceIdentifier } = writer ?? {}
  if (writer !== null && DBInstanceIdentifier !== undefined) return { ...writer, DBInstanceIdentifier }
  const { replicaOf } = clusterDescription(cluster)
  if (replicaOf !== null) {
    throw failure(
      'CLOUD_REFUSED',
      `Cluster ${name} has no writer: it is a secondary of ${replicaOf}. Name the leading cluster.`,
      {
        instance: name,
        replicaOf,
      },
    )
  }
  throw failure('CLOUD_REFUSED', `Cluster ${name} has no writer; add an instance to it first.`, { instance: name })
}

export async function allClusters(rds: Rds, options: CallOptions): Promise<Cluster[]> {
  const found = await everyCluster(rds, options)
  const members = await everyInstance(rds, options)
  return found.filter(({ Engine }) => Engine === AURORA).map((raw) => clusterWith(raw, members))
}
