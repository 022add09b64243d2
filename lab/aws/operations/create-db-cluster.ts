/** CreateDBCluster: an Aurora cluster without members: its data, and two endpoints that nobody answers at yet. In a global database that has
 *  a primary cluster, a secondary one, whose data comes with its members. */
import { scramVerifier } from '../../postgres/verifier'
import { type Call, findGlobalCluster, type Operation, parseEngineVersion } from '../cloud'
import { clusterView } from '../cluster-views'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { clustersOf } from '../following'
import type { GlobalCluster } from '../global-clusters'
import { parseDatabaseName, parseMasterUsername, parsePassword } from '../identifiers'
import { defaultSettings, parseEncryption, parseSettings } from '../settings'
import type { DbCluster } from '../state'
import { requireAtRest } from './global-state'
import { addCluster, newClusterId, parseClusterRetention } from './new-cluster'
import { refuseManagedPassword } from './new-instance'

export const createDbCluster: Operation<'CreateDBCluster'> = async (call) => {
  const { cloud, query } = call
  const id = newClusterId(call)
  const engine = query.required('Engine')
  if (engine !== 'aurora-postgresql')
    throw invalidValue(`Invalid DB engine: ${engine}. Clusters of this lab are aurora-postgresql.`)
  const named = query.text('GlobalClusterIdentifier')
  const global = named === undefined ? undefined : findGlobalCluster(call, named)
  const version = parseVersion(call, global)
  const encryption = parseOwnEncryption(call, global)
  const common = {
    ...version,
    backupRetentionDays: parseClusterRetention(query) ?? 1,
    settings: parseSettings(query, { ...defaultSettings(), ...encryption }),
  }
  const lead = global && parsePrimary(call, global)
  if (lead) {
    const { masterUsername, databaseName } = lead
    const cluster = await addCluster(call, id, { ...common, masterUsername, databaseName }, { kind: 'join-global' }, global)
    return { DBCluster: clusterView(cloud, cluster) }
  }
  refuseManagedPassword(query)
  const verifier = scramVerifier(parsePassword(query.text('MasterUserPassword')))
  const databaseName = query.text('DatabaseName')
  const shape = {
    ...common,
    masterUsername: parseMasterUsername(query.text('MasterUsername') ?? ''),
    databaseName: databaseName === undefined ? (global?.databaseName ?? null) : parseDatabaseName(databaseName),
  }
  return { DBCluster: clusterView(cloud, await addCluster(call, id, shape, { kind: 'create', verifier }, global)) }
}

/** @throws AwsError InvalidParameterCombination. */
function parseVersion({ cloud, query }: Call, global: GlobalCluster | undefined): Pick<DbCluster, 'major' | 'engineVersion'> {
  const { major, engineVersion } = parseEngineVersion(
    cloud,
    query.text('EngineVersion') ?? global?.engineVersion,
    'aurora-postgresql',
  )
  if (!global || global.major === major) return { major, engineVersion }
  throw invalidCombination(`The engine version ${engineVersion} is not that of the global cluster, ${global.engineVersion}.`)
}

/** @throws AwsError InvalidParameterCombination. */
function parseOwnEncryption({ query }: Call, global: GlobalCluster | undefined): ReturnType<typeof parseEncryption> {
  const asked = parseEncryption(query)
  if (!global || asked.encrypted === global.encrypted) return asked
  if (query.text('StorageEncrypted') === undefined) return { encrypted: true, kmsKeyId: 'alias/aws/rds' }
  throw invalidCombination(`The storage of the global cluster ${global.id} is ${global.encrypted ? '' : 'not '}encrypted.`)
}

const ITS_PRIMARYS: Readonly<Record<string, string>> = {
  MasterUsername: 'user name',
  MasterUserPassword: 'password',
  ManageMasterUserPassword: 'managed password',
  DatabaseName: 'database name',
}

/** Undefined while the global database has no cluster. @throws AwsError InvalidGlobalClusterStateFault, InvalidParameterCombination. */
function parsePrimary({ cloud, query, region }: Call, global: GlobalCluster): DbCluster | undefined {
  requireAtRest(global)
  const clusters = clustersOf(cloud.state, global)
  const lead = clusters.find(({ resourceId }) => resourceId === global.primary)
  if (!lead) return undefined
  if (lead.status !== 'available') {
    throw new AwsError('InvalidGlobalClusterStateFault', `The primary cluster ${lead.id} of ${global.id} is ${lead.status}.`)
  }
  const there = clusters.find((cluster) => cluster.region === region)
  if (there) throw invalidCombination(`The global cluster ${global.id} has a cluster in ${region} already: ${there.id}.`)
  for (const [name, what] of Object.entries(ITS_PRIMARYS)) {
    if (query.text(name) !== undefined) throw invalidCombination(`Cannot specify ${what} for cross region replication cluster.`)
  }
  return lead
}
