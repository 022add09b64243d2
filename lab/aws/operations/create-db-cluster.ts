/** CreateDBCluster: an Aurora cluster without members: its data, and two endpoints that nobody answers at yet. */
import { scramVerifier } from '../../postgres/verifier'
import { type Operation, parseEngineVersion } from '../cloud'
import { clusterView } from '../cluster-views'
import { invalidValue } from '../errors'
import { parseDatabaseName, parseMasterUsername, parsePassword } from '../identifiers'
import { defaultSettings, parseEncryption, parseSettings } from '../settings'
import { addCluster, newClusterId, parseClusterRetention } from './new-cluster'
import { refuseManagedPassword } from './new-instance'

export const createDbCluster: Operation<'CreateDBCluster'> = async (call) => {
  const { cloud, query } = call
  const id = newClusterId(call)
  const engine = query.required('Engine')
  if (engine !== 'aurora-postgresql')
    throw invalidValue(`Invalid DB engine: ${engine}. Clusters of this lab are aurora-postgresql.`)
  const { major, engineVersion } = parseEngineVersion(cloud, query.text('EngineVersion'), engine)
  refuseManagedPassword(query)
  const verifier = scramVerifier(parsePassword(query.text('MasterUserPassword')))
  const databaseName = query.text('DatabaseName')
  const shape = {
    major,
    engineVersion,
    masterUsername: parseMasterUsername(query.text('MasterUsername') ?? ''),
    databaseName: databaseName === undefined ? null : parseDatabaseName(databaseName),
    backupRetentionDays: parseClusterRetention(query) ?? 1,
    settings: parseSettings(query, { ...defaultSettings(), ...parseEncryption(query) }),
  }
  return { DBCluster: clusterView(cloud, await addCluster(call, id, shape, { kind: 'create', verifier })) }
}
