/** RestoreDBClusterFromSnapshot: always a new cluster, without members. Network rules and protection are not restored. */
import { findClusterSnapshot, type Operation } from '../cloud'
import { clusterView } from '../cluster-views'
import { AwsError, invalidCombination } from '../errors'
import { defaultSettings, parseSettings } from '../settings'
import { addCluster, newClusterId, parseClusterRetention } from './new-cluster'

export const restoreDbClusterFromSnapshot: Operation<'RestoreDBClusterFromSnapshot'> = async (call) => {
  const { cloud, query } = call
  const id = newClusterId(call)
  const engine = query.required('Engine')
  if (engine !== 'aurora-postgresql') throw invalidCombination(`A cluster snapshot cannot be restored with the engine ${engine}.`)
  const snapshot = findClusterSnapshot(call, query.required('SnapshotIdentifier'))
  if (snapshot.status !== 'available') {
    throw new AwsError('InvalidDBClusterSnapshotStateFault', `DBClusterSnapshot ${snapshot.id} is ${snapshot.status}.`)
  }
  const { major, engineVersion, masterUsername, databaseName, encrypted, kmsKeyId } = snapshot
  const shape = {
    major,
    engineVersion,
    masterUsername,
    databaseName,
    backupRetentionDays: parseClusterRetention(query) ?? snapshot.backupRetentionDays,
    settings: parseSettings(query, { ...defaultSettings(), encrypted, kmsKeyId }),
  }
  const task = { kind: 'restore', folder: snapshot.folder, from: `snapshot ${snapshot.id}` } as const
  return { DBCluster: clusterView(cloud, await addCluster(call, id, shape, task)) }
}
