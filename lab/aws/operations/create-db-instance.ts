/** CreateDBInstance: a new server, made in the background. */
import { scramVerifier } from '../../postgres/verifier'
import { DEFAULT_GROUP } from '../../security-groups'
import {
  newInstanceId,
  type Operation,
  parseEngineVersion,
  parseParameterGroup,
  parseSecurityGroups,
  promised,
  takeHost,
} from '../cloud'
import { invalidValue } from '../errors'
import {
  parseDatabaseName,
  parseInstanceClass,
  parseMasterUsername,
  parsePassword,
  parseStorage,
  parseTags,
} from '../identifiers'
import { type DbInstance, key } from '../state'
import { instanceView } from '../views'
import { newResourceId, parseRetention } from './new-instance'

export const createDbInstance: Operation = async (call) => {
  const { cloud, query, region } = call
  const id = newInstanceId(call)
  const engine = query.required('Engine')
  if (engine !== 'postgres') throw invalidValue(`Invalid DB engine: ${engine}. This lab has postgres.`)
  const instanceClass = parseInstanceClass(query.required('DBInstanceClass'))
  const version = parseEngineVersion(cloud, query.text('EngineVersion'))
  const verifier = scramVerifier(parsePassword(query.text('MasterUserPassword')))
  const databaseName = query.text('DBName')
  const instance: DbInstance = {
    ...version,
    region,
    id,
    resourceId: newResourceId(),
    status: 'creating',
    folder: '',
    instanceClass,
    storageGib: parseStorage(query.integer('AllocatedStorage')),
    storageType: query.text('StorageType') ?? 'gp3',
    masterUsername: parseMasterUsername(query.required('MasterUsername')),
    databaseName: databaseName === undefined ? null : parseDatabaseName(databaseName),
    backupRetentionDays: parseRetention(query) ?? 1,
    securityGroups: parseSecurityGroups(call) ?? [DEFAULT_GROUP],
    parameterGroup: parseParameterGroup(call, version.major).name,
    running: { group: '', parameters: {} },
    parameterStatus: 'in-sync',
    multiAz: query.flag('MultiAZ') ?? false,
    publiclyAccessible: query.flag('PubliclyAccessible') ?? false,
    deletionProtection: query.flag('DeletionProtection') ?? false,
    copyTagsToSnapshot: query.flag('CopyTagsToSnapshot') ?? false,
    tags: parseTags(query.records('Tags')),
    pending: {},
    applyNow: false,
    createdAt: null,
    host: takeHost(cloud),
    tasks: [promised(call, { kind: 'create', verifier })],
  }
  cloud.state.instances[key(region, id)] = instance
  await cloud.save()
  cloud.tasks.wake(instance)
  const view = instanceView(cloud, instance)
  return { DBInstance: { ...view, PendingModifiedValues: { MasterUserPassword: '****' } } }
}
