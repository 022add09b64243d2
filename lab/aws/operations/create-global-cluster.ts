/** CreateGlobalCluster: around a cluster, which leads; or empty, for the first cluster that is created in it. */
import { randomBytes } from 'node:crypto'
import { type Call, findClusterAnywhere, type Operation, parseEngineVersion, specOf, takeHost } from '../cloud'
import { globalClusterView } from '../cluster-views'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { globalOf, membersOf } from '../following'
import type { GlobalCluster } from '../global-clusters'
import { turnAfter } from '../hand-over'
import { parseDatabaseName, parseIdentifier, parseTags } from '../identifiers'
import type { DbCluster } from '../state'

const ITS_SOURCES = ['Engine', 'EngineVersion', 'DatabaseName', 'StorageEncrypted']

export const createGlobalCluster: Operation<'CreateGlobalCluster'> = async (call) => {
  const { cloud, query } = call
  const { state } = cloud
  const id = parseIdentifier('GlobalClusterIdentifier', query.required('GlobalClusterIdentifier'))
  if (state.globalClusters[id]) throw new AwsError('GlobalClusterAlreadyExistsFault', `Global cluster already exists: ${id}`)
  const source = findSource(call)
  const global: GlobalCluster = {
    ...(source ? shapeOf(source) : parseShape(call)),
    id,
    resourceId: `cluster-${randomBytes(8).toString('hex')}`,
    status: 'available',
    deletionProtection: query.flag('DeletionProtection') ?? false,
    host: takeHost(cloud, `${id} global`),
    clusters: source ? [source.resourceId] : [],
    primary: source?.resourceId ?? null,
    tags: parseTags(query.records('Tags')),
    tasks: [],
  }
  if (source) turnAfter(global, source)
  state.globalClusters[id] = global
  await cloud.save()
  if (source) {
    // their certificates name its endpoint too; one that does not run learns it when it starts
    for (const member of membersOf(state, source)) await cloud.servers.configure(specOf(cloud, member)).catch(() => {})
    await cloud.endpoints.settle()
  }
  return { GlobalCluster: globalClusterView(cloud, global) }
}

/** @throws AwsError InvalidParameterCombination, DBClusterNotFoundFault, InvalidDBClusterStateFault. */
function findSource(call: Call): DbCluster | undefined {
  const { cloud, query } = call
  const named = query.text('SourceDBClusterIdentifier')
  if (named === undefined) return undefined
  const own = ITS_SOURCES.find((name) => query.text(name) !== undefined)
  if (own !== undefined) throw invalidCombination(`${own} cannot be given with SourceDBClusterIdentifier: it is the cluster's.`)
  const source = findClusterAnywhere(call, named)
  if (globalOf(cloud.state, source)) {
    throw new AwsError('InvalidDBClusterStateFault', `The cluster ${source.id} is a part of a global cluster already.`)
  }
  if (source.status !== 'available') {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${source.id} is not in available state.`)
  }
  return source
}

type GlobalShape = Pick<GlobalCluster, 'major' | 'engineVersion' | 'databaseName' | 'encrypted'>

function shapeOf({ major, engineVersion, databaseName, settings }: DbCluster): GlobalShape {
  return { major, engineVersion, databaseName, encrypted: settings.encrypted }
}

/** @throws AwsError InvalidParameterCombination, InvalidParameterValue. */
function parseShape({ cloud, query }: Call): GlobalShape {
  const engine = query.text('Engine')
  if (engine === undefined) throw invalidCombination('One of SourceDBClusterIdentifier and Engine must be given.')
  if (engine !== 'aurora-postgresql')
    throw invalidValue(`Invalid DB engine: ${engine}. Clusters of this lab are aurora-postgresql.`)
  const { major, engineVersion } = parseEngineVersion(cloud, query.text('EngineVersion'), engine)
  const databaseName = query.text('DatabaseName')
  return {
    major,
    engineVersion,
    databaseName: databaseName === undefined ? null : parseDatabaseName(databaseName),
    encrypted: query.flag('StorageEncrypted') ?? false,
  }
}
