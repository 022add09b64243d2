/** CreateDBInstance: a new server, made in the background. */
import { scramVerifier } from '../../postgres/verifier'
import { newInstanceId, type Operation, parseEngineVersion } from '../cloud'
import { invalidValue } from '../errors'
import { parseDatabaseName, parseMasterUsername, parsePassword } from '../identifiers'
import { parseInstanceClass } from '../instance-classes'
import { defaultSettings, parseEncryption, parseSettings } from '../settings'
import { parseStorage } from '../storage'
import { instanceView } from '../views'
import { addInstance, parseRetention, refuseManagedPassword } from './new-instance'

export const createDbInstance: Operation<'CreateDBInstance'> = async (call) => {
  const { cloud, query } = call
  const id = newInstanceId(call)
  const engine = query.required('Engine')
  if (engine !== 'postgres') throw invalidValue(`Invalid DB engine: ${engine}. This lab has postgres.`)
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
