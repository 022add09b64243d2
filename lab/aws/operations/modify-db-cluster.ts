/** ModifyDBCluster: accepted now, applied in the background. The password, the name and IAM database authentication wait for
 *  ApplyImmediately; the rest does not. */
import { scramVerifier } from '../../postgres/verifier'
import {
  type Call,
  findCluster,
  type Operation,
  parseClusterGroup,
  parseEngineVersion,
  parseSecurityGroups,
  promised,
} from '../cloud'
import { clusterView } from '../cluster-views'
import { AwsError, invalidCombination } from '../errors'
import { leadOf } from '../following'
import { parseIdentifier, parsePassword } from '../identifiers'
import { parseSettings } from '../settings'
import { type DbCluster, key } from '../state'
import { parseClusterRetention, parseScaling, refuseWriteForwarding } from './new-cluster'
import { refuseManagedPassword } from './new-instance'

const UNSUPPORTED = ['Port', 'Domain', 'RotateMasterUserPassword', 'DBClusterInstanceClass', 'EnableHttpEndpoint', 'EngineMode']

export const modifyDbCluster: Operation<'ModifyDBCluster'> = async (call) => {
  const { cloud, query } = call
  const cluster = findCluster(call)
  if (cluster.status !== 'available') {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} is not in available state.`)
  }
  refuseWriteForwarding(query)
  for (const name of UNSUPPORTED) {
    if (query.text(name) !== undefined) throw invalidCombination(`This lab cannot change ${name}.`)
  }
  const wanted = parseChanges(call, cluster)
  Object.assign(cluster, wanted.now)
  Object.assign(cluster.pending, wanted.pending)
  const later = Object.keys(cluster.pending).length > 0 && query.flag('ApplyImmediately') !== true
  if (!later) {
    const { doom } = promised(call, { kind: 'modify' })
    cluster.tasks.push({ kind: 'modify', ...(doom && { doom }) })
  }
  await cloud.save()
  const view = clusterView(cloud, cluster)
  cloud.clusterTasks.wake(cluster)
  return { DBCluster: view }
}

/** Everything is checked before anything is changed. */
function parseChanges(call: Call, cluster: DbCluster): { now: Partial<DbCluster>; pending: DbCluster['pending'] } {
  const { cloud, query, region } = call
  refuseManagedPassword(query)
  const version = query.text('EngineVersion')
  if (version !== undefined && parseEngineVersion(cloud, version, 'aurora-postgresql').major !== cluster.major) {
    throw invalidCombination(`Cannot upgrade aurora-postgresql from ${cluster.engineVersion} to ${version}`)
  }
  const pending: DbCluster['pending'] = {}
  const password = query.text('MasterUserPassword')
  if (password !== undefined && leadOf(cloud.state, cluster) !== cluster) {
    throw new AwsError('InvalidDBClusterStateFault', `The master password of ${cluster.id} is that of the primary cluster.`)
  }
  if (password !== undefined) pending.masterVerifier = scramVerifier(parsePassword(password))
  const iamAuthentication = query.flag('EnableIAMDatabaseAuthentication')
  if (iamAuthentication !== undefined) pending.iamAuthentication = iamAuthentication
  const renamed = query.text('NewDBClusterIdentifier')
  if (renamed !== undefined && renamed.toLowerCase() !== cluster.id) {
    pending.id = parseIdentifier('NewDBClusterIdentifier', renamed)
    if (cloud.state.clusters[key(region, pending.id)]) {
      throw new AwsError('DBClusterAlreadyExistsFault', `DB Cluster already exists: ${pending.id}`)
    }
  }
  const parameterGroup = parseClusterGroup(call, cluster)
  const now = {
    ...(parameterGroup !== undefined && { parameterGroup }),
    settings: parseSettings(query, cluster.settings),
    scaling: parseScaling(query, cluster.scaling) ?? cluster.scaling,
    backupRetentionDays: parseClusterRetention(query) ?? cluster.backupRetentionDays,
    securityGroups: parseSecurityGroups(call) ?? cluster.securityGroups,
    deletionProtection: query.flag('DeletionProtection') ?? cluster.deletionProtection,
    copyTagsToSnapshot: query.flag('CopyTagsToSnapshot') ?? cluster.copyTagsToSnapshot,
  }
  return { now, pending }
}
