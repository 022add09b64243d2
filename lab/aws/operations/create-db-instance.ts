/** CreateDBInstance: a new server, made in the background; or, with a cluster, a new member of that. */
import { scramVerifier } from '../../postgres/verifier'
import { newInstanceId, type Operation, parseEngineVersion } from '../cloud'
import { invalidCombination, invalidValue } from '../errors'
import { parseDatabaseName, parseMasterUsername, parsePassword } from '../identifiers'
import { parseInstanceClass } from '../instance-classes'
import { defaultSettings, parseEncryption, parseSettings } from '../settings'
import { parseStorage } from '../storage'
import { instanceView } from '../views'
import { addInstance, parseRetention, refuseManagedPassword } from './new-instance'
import { addMember } from './new-member'

export const createDbInstance: Operation<'CreateDBInstance'> = async (call) => {
  const { cloud, query } = call
  const id = newInstanceId(call)
  const engine = query.required('Engine')
  if (query.text('DBClusterIdentifier') !== undefined) {
    if (engine !== 'aurora-postgresql')
      throw invalidCombination(`The engine ${engine} is not that of the cluster, aurora-postgresql.`)
    return { DBInstance: instanceView(cloud, await addMember(call, id)) }
  }
  if (engine === 'aurora-postgresql')
    throw invalidCombination('DBClusterIdentifier is required for the engine aurora-postgresql.')
  if (engine !== 'postgres') throw invalidValue(`Invalid DB engine: ${engine}. This lab has postgres and aurora-postgresql.`)
  const instanceClass = parseInstanceClass(query.required('DBInstanceClass'))
  const version = parseEngineVersion(cloud, query.text('EngineVersion'))
  refuseManagedPassword(query)
  const verifier = scramVerifier(parsePassword(query.text('MasterUserPassword')))
  const databaseName = query.text('DBName')
  const shape = {
    ...version,
    ...parseStorage(query),
    instanceClass,
    masterUsername: parseMasterUsername(query.required('MasterUsername')),
    databaseName: databaseName === undefined ? null : parseDatabaseName(databaseName),
    backupRetentionDays: parseRetention(query) ?? 1,
  }
  const settings = parseSettings(query, { ...defaultSettings(), ...parseEncryption(query) })
  const instance = await addInstance(call, { id, shape, settings }, { kind: 'create', verifier })
  const view = instanceView(cloud, instance)
  return { DBInstance: { ...view, PendingModifiedValues: { MasterUserPassword: '****' } } }
}
