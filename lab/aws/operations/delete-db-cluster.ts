/** DeleteDBCluster: of one that has no members any more; a final snapshot unless told otherwise; not while it is protected. */
import { clusterSnapshotKey } from '../backups'
import { findCluster, type Operation, promised } from '../cloud'
import { clusterView } from '../cluster-views'
import { AwsError, invalidCombination } from '../errors'
import { membersOf } from '../following'
import { parseSnapshotIdentifier } from '../identifiers'
import { requireOfItsOwn } from './global-state'
import { addClusterSnapshot } from './new-cluster-snapshot'

export const deleteDbCluster: Operation<'DeleteDBCluster'> = async (call) => {
  const { cloud, query } = call
  const cluster = findCluster(call)
  const skip = query.flag('SkipFinalSnapshot') ?? false
  const final = query.text('FinalDBSnapshotIdentifier')
  if (skip && final !== undefined) {
    throw invalidCombination('FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot')
  }
  if (!skip && final === undefined) {
    throw invalidCombination('FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.')
  }
  if (query.flag('DeleteAutomatedBackups') === false) {
    throw invalidCombination('This lab does not keep the automated backups of clusters that are gone.')
  }
  if (cluster.deletionProtection) {
    throw invalidCombination('Cannot delete protected Cluster, please disable deletion protection and try again.')
  }
  requireOfItsOwn(cloud.state, cluster)
  if (membersOf(cloud.state, cluster).length > 0) {
    throw new AwsError(
      'InvalidDBClusterStateFault',
      'Cluster cannot be deleted, it still contains DB instances in non-deleting state.',
    )
  }
  if (cluster.status !== 'available' && (cluster.status !== 'failed' || final !== undefined)) {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} cannot be deleted: it is ${cluster.status}.`)
  }
  const id = final === undefined ? null : parseSnapshotIdentifier('FinalDBSnapshotIdentifier', final)
  if (id !== null) addClusterSnapshot(cloud, cluster, id, {})
  cluster.status = 'deleting'
  const finalSnapshot = id === null ? null : clusterSnapshotKey(cluster.region, id)
  const { doom } = promised(call, { kind: 'modify' })
  cluster.tasks.push({ kind: 'delete', finalSnapshot, ...(doom && { doom }) })
  await cloud.save()
  cloud.clusterTasks.wake(cluster)
  return { DBCluster: clusterView(cloud, cluster) }
}
