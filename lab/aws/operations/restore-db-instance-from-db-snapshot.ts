/** RestoreDBInstanceFromDBSnapshot: always a new instance. What the source had of network rules, parameter group, second zone
 *  and protection is not restored: what the request does not give has the default. The master keeps the snapshot's password. */
import { DEFAULT_GROUP } from '../../security-groups'
import {
  findSnapshot,
  newInstanceId,
  type Operation,
  parseParameterGroup,
  parseSecurityGroups,
  promised,
  takeHost,
} from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { parseInstanceClass, parseStorage, parseTags } from '../identifiers'
import { type DbInstance, key } from '../state'
import { instanceView } from '../views'
import { newResourceId, parseRetention } from './new-instance'

export const restoreDbInstanceFromDbSnapshot: Operation = async (call) => {
  const { cloud, query, region } = call
  const snapshot = findSnapshot(call)
  const id = newInstanceId(call)
  if (snapshot.status !== 'available') {
    throw new AwsError('InvalidDBSnapshotState', `DBSnapshot ${snapshot.id} is not available (it is ${snapshot.status}).`)
  }
  if (query.text('DBName') !== undefined)
    throw invalidCombination('DBName cannot be given when a PostgreSQL snapshot is restored.')
  const storageGib = query.integer('AllocatedStorage') ?? snapshot.storageGib
  if (storageGib < snapshot.storageGib) {
    throw invalidCombination(`The allocated storage must be at least that of the snapshot, ${snapshot.storageGib}.`)
  }
  const instance: DbInstance = {
    major: snapshot.major,
    engineVersion: snapshot.engineVersion,
    masterUsername: snapshot.masterUsername,
    databaseName: snapshot.databaseName,
    region,
    id,
    resourceId: newResourceId(),
    status: 'creating',
    folder: '',
    instanceClass: parseInstanceClass(query.text('DBInstanceClass') ?? snapshot.instanceClass),
    storageGib: parseStorage(storageGib),
    storageType: query.text('StorageType') ?? snapshot.storageType,
    backupRetentionDays: parseRetention(query) ?? snapshot.backupRetentionDays,
    securityGroups: parseSecurityGroups(call) ?? [DEFAULT_GROUP],
    parameterGroup: parseParameterGroup(call, snapshot.major).name,
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
    tasks: [promised(call, { kind: 'restore', snapshot: key(region, snapshot.id) })],
  }
  cloud.state.instances[key(region, id)] = instance
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBInstance: instanceView(cloud, instance) }
}
