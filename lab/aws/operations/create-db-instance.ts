/** CreateDBInstance: a new server, made in the background. */
import { scramVerifier } from '../../postgres/verifier'
import { newInstanceId, type Operation, parseEngineVersion } from '../cloud'
import { invalidValue } from '../errors'
import { parseDatabaseName, parseInstanceClass, parseMasterUsername, parsePassword, parseStorage } from '../identifiers'
import { instanceView } from '../views'
import { addInstance, parseRetention } from './new-instance'

export const createDbInstance: Operation<'CreateDBInstance'> = async (call) => {
  const { cloud, query } = call
  const id = newInstanceId(call)
  const engine = query.required('Engine')
  if (engine !== 'postgres') throw invalidValue(`Invalid DB engine: ${engine}. This lab has postgres.`)
  const instanceClass = parseInstanceClass(query.required('DBInstanceClass'))
  const version = parseEngineVersion(cloud, query.text('EngineVersion'))
  const verifier = scramVerifier(parsePassword(query.text('MasterUserPassword')))
  const databaseName = query.text('DBName')
  const shape = {
    ...version,
    instanceClass,
    storageGib: parseStorage(query.integer('AllocatedStorage')),
    storageType: query.text('StorageType') ?? 'gp3',
    masterUsername: parseMasterUsername(query.required('MasterUsername')),
    databaseName: databaseName === undefined ? null : parseDatabaseName(databaseName),
    backupRetentionDays: parseRetention(query) ?? 1,
  }
  const instance = await addInstance(call, id, shape, { kind: 'create', verifier })
  const view = instanceView(cloud, instance)
  return { DBInstance: { ...view, PendingModifiedValues: { MasterUserPassword: '****' } } }
}
