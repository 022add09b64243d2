/** RestoreDBClusterToPointInTime: always a new cluster, without members, as of a moment or of now. A clone (`copy-on-write`) is the same
 *  here as a copy. */
import { backupsOf } from '../backups'
import { type Call, findCluster, type Operation } from '../cloud'
import { clusterView } from '../cluster-views'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { defaultSettings, parseSettings } from '../settings'
import type { ClusterTask, DbCluster } from '../state'
import { addCluster, newClusterId, parseClusterRetention } from './new-cluster'

export const restoreDbClusterToPointInTime: Operation<'RestoreDBClusterToPointInTime'> = async (call) => {
  const { cloud, query } = call
  const id = newClusterId(call)
  const source = findSource(call)
  const task = taskOf(call, source)
  const { major, engineVersion, masterUsername, databaseName } = source
  const { encrypted, kmsKeyId } = source.settings
  const shape = {
    major,
    engineVersion,
    masterUsername,
    databaseName,
    backupRetentionDays: parseClusterRetention(query) ?? source.backupRetentionDays,
    settings: parseSettings(query, { ...defaultSettings(), encrypted, kmsKeyId }),
  }
  return { DBCluster: clusterView(cloud, await addCluster(call, id, shape, task)) }
}

function findSource(call: Call): DbCluster {
  const { cloud, query, region } = call
  const [named, resource] = [query.text('SourceDBClusterIdentifier'), query.text('SourceDbClusterResourceId')]
  if ((named === undefined) === (resource === undefined)) {
    throw invalidCombination('One of SourceDBClusterIdentifier and SourceDbClusterResourceId must be given.')
  }
  if (named !== undefined) return findCluster(call, named)
  const found = Object.values(cloud.state.clusters).find((one) => one.region === region && one.resourceId === resource)
  if (!found) throw new AwsError('DBClusterNotFoundFault', `DBCluster ${resource} not found.`)
  return found
}

/** @throws AwsError InvalidParameterCombination, InvalidParameterValue, InvalidDBClusterStateFault. */
function taskOf({ cloud, query }: Call, source: DbCluster): ClusterTask {
  const type = query.text('RestoreType') ?? 'full-copy'
  if (type !== 'full-copy' && type !== 'copy-on-write') throw invalidValue(`Invalid restore type: ${type}`)
  const latest = query.flag('UseLatestRestorableTime') ?? false
  const wanted = query.time('RestoreToTime')
  if (latest === (wanted !== undefined)) {
    throw invalidCombination('Either RestoreToTime must be given or UseLatestRestorableTime be true, and not both.')
  }
  if (type === 'copy-on-write' && !latest) throw invalidCombination('A clone is made of the latest restorable time.')
  const { archive, restorable } = source
  const backups = archive === null ? [] : backupsOf(cloud.state, archive)
  const [first] = backups
  if (archive === null || restorable === null || !first) {
    throw new AwsError('InvalidDBClusterStateFault', `${source.id} has no backup to restore from yet.`)
  }
  const target = wanted === undefined ? 'latest' : new Date(wanted).toISOString()
  if (target !== 'latest' && (target < restorable.earliest || target > restorable.latest)) {
    throw invalidValue(
      `The specified cluster cannot be restored to a time earlier than ${restorable.earliest} or later than ${restorable.latest}: ${target}`,
    )
  }
  const backup = backups.filter(({ endedAt }) => target === 'latest' || (endedAt ?? target) <= target).at(-1) ?? first
  return { kind: 'restore-to-time', backup: backup.folder, archive, target, source: source.id }
}
