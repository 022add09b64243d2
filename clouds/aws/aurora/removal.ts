/** Removal of clusters: their members first, then, once those are on their way, the cluster itself. One that was stopped is started before. */
import { failure } from '../../../contracts/failures'
import { assertRemovable, assertUnprotected, isTemporaryOf } from '../../owner'
import type { ChangeOptions, ManagedPostgres, Started } from '../../port'
import type { Rds } from '../client'
import { instanceDescription } from '../describe'
import { errorName } from '../failures'
import { unlessGone } from '../gone'
import { deleteInstance, NO_RECORD } from '../instances'
import { OF_CLUSTER, OF_INSTANCE } from '../parameter-groups'
import { removeOwnedParameterGroups } from '../removal'
import { tagRecord } from '../tags'
import { allClusters, findCluster } from './clusters'
import { type Cluster, clusterDescription } from './describe'

/** In these states nothing of a cluster can be removed, its members neither. */
const NOT_RUNNING = ['starting', 'stopping', 'stopped']

/** Of the cluster and of each member, each of which may bear its user's tag. @throws CLOUD_REFUSED. */
function assertAllUnprotected(cluster: Cluster): void {
  assertUnprotected(clusterDescription(cluster))
  for (const member of cluster.members) assertUnprotected(instanceDescription(member))
}

/** Looks no further: whoever calls has decided that it goes. False while its members are still there, or it does not run: to be asked again.
 *  @throws CLOUD_REFUSED for a protected one, before any member of it is gone. */
async function deleteCluster(rds: Rds, cluster: Cluster, options: ChangeOptions): Promise<boolean> {
  const { name, raw, members } = cluster
  if (raw.Status === 'deleting') return true
  assertAllUnprotected(cluster)
  if (raw.Status === 'stopped') await startForRemoval(rds, name, options)
  if (NOT_RUNNING.includes(raw.Status ?? '')) return false
  for (const member of members) if (member.DBInstanceStatus !== 'deleting') await deleteInstance(rds, member, options)
  return rds.change('DeleteDBCluster', options, async (client) => {
    try {
      await client.deleteDBCluster({ DBClusterIdentifier: name, SkipFinalSnapshot: true, DeleteAutomatedBackups: true })
    } catch (error) {
      const problem = errorName(error)
      if (problem.startsWith('InvalidDBClusterState')) return false
      if (problem.startsWith('DBClusterNotFound')) return true
      await unlessGone(error, async () => (await findCluster(rds, name, options)) !== null)
    }
    return true
  })
}

/** RDS deletes no cluster that is stopped. */
async function startForRemoval(rds: Rds, name: string, options: ChangeOptions): Promise<void> {
  await rds.change('StartDBCluster', options, async (client) => {
    try {
      await client.startDBCluster({ DBClusterIdentifier: name })
    } catch (error) {
      // started meanwhile, by the SDK's own retry after a lost response too, or gone
      if (!/^(InvalidDBClusterState|DBClusterNotFound)/.test(errorName(error))) throw error
    }
  })
}

export async function startRemoval(
  rds: Rds,
  input: Parameters<ManagedPostgres['startRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { name } = input.instance
  const found = await findCluster(rds, name, options)
  if (found === null || found.raw.Status === 'deleting') return NO_RECORD
  assertRemovable('Aurora', clusterDescription(found), input)
  if (await deleteCluster(rds, found, options)) return NO_RECORD
  throw failure('NOT_READY_YET', `Cluster ${name} goes once it runs and its members are gone.`, { instance: name })
}

export async function removeOwnedInstances(
  rds: Rds,
  operation: string,
  options: ChangeOptions,
): Promise<{ done: boolean; removing: readonly string[] }> {
  const owned = (await allClusters(rds, options)).filter(({ name, raw }) =>
    isTemporaryOf(operation, name, tagRecord(raw.TagList)),
  )
  for (const cluster of owned) if (cluster.raw.Status !== 'deleting') assertAllUnprotected(cluster)
  for (const cluster of owned) await deleteCluster(rds, cluster, options)
  if (owned.length > 0) return { done: false, removing: owned.map(({ name }) => name) }
  for (const kind of [OF_INSTANCE, OF_CLUSTER]) await removeOwnedParameterGroups(kind, rds, operation, options)
  return { done: true, removing: [] }
}
