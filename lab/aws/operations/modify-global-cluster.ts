/** ModifyGlobalCluster: its name and its protection. There is one minor version of each, and no upgrade between majors. */
import { findGlobalCluster, type Operation, parseEngineVersion } from '../cloud'
import { globalClusterView } from '../cluster-views'
import { AwsError, invalidCombination } from '../errors'
import { parseIdentifier } from '../identifiers'
import { requireAtRest } from './global-state'

export const modifyGlobalCluster: Operation<'ModifyGlobalCluster'> = async (call) => {
  const { cloud, query } = call
  const { globalClusters } = cloud.state
  const global = findGlobalCluster(call)
  requireAtRest(global)
  const version = query.text('EngineVersion')
  if (version !== undefined && parseEngineVersion(cloud, version, 'aurora-postgresql').major !== global.major) {
    throw invalidCombination(`Cannot upgrade aurora-postgresql from ${global.engineVersion} to ${version}`)
  }
  const deletionProtection = query.flag('DeletionProtection')
  const named = query.text('NewGlobalClusterIdentifier')
  const id = named === undefined ? global.id : parseIdentifier('NewGlobalClusterIdentifier', named)
  if (id !== global.id && globalClusters[id]) {
    throw new AwsError('GlobalClusterAlreadyExistsFault', `Global cluster already exists: ${id}`)
  }
  delete globalClusters[global.id]
  globalClusters[id] = Object.assign(global, { id, ...(deletionProtection !== undefined && { deletionProtection }) })
  await cloud.save()
  return { GlobalCluster: globalClusterView(cloud, global) }
}
