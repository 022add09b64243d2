/** RestoreDBInstanceFromDBSnapshot: always a new instance. What the source had of network rules, parameter group, second zone
 *  and protection is not restored: what the request does not give has the default. The master keeps the snapshot's password. */
import { findSnapshot, newInstanceId, type Operation } from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { parseInstanceClass } from '../instance-classes'
import { defaultSettings, parseSettings } from '../settings'
import { key } from '../state'
import { parseStorage } from '../storage'
import { instanceView } from '../views'
import { addInstance, parseRetention } from './new-instance'

export const restoreDbInstanceFromDbSnapshot: Operation<'RestoreDBInstanceFromDBSnapshot'> = async (call) => {
  const { cloud, query, region } = call
  const snapshot = findSnapshot(call)
  const id = newInstanceId(call)
  if (snapshot.status !== 'available') {
    throw new AwsError('InvalidDBSnapshotState', `DBSnapshot ${snapshot.id} is not available (it is ${snapshot.status}).`)
  }
  const engine = query.text('Engine')
  if (engine !== undefined && engine !== 'postgres') {
    throw invalidCombination(`A snapshot of postgres cannot be restored with the engine ${engine}.`)
  }
  if (query.text('DBName') !== undefined)
    throw invalidCombination('DBName cannot be given when a PostgreSQL snapshot is restored.')
  const storage = parseStorage(query, snapshot)
  if (storage.storageGib < snapshot.storageGib) {
    throw invalidCombination(`The allocated storage must be at least that of the snapshot, ${snapshot.storageGib}.`)
  }
  const shape = {
    ...storage,
    engine: snapshot.engine,
    major: snapshot.major,
    engineVersion: snapshot.engineVersion,
    masterUsername: snapshot.masterUsername,
    databaseName: snapshot.databaseName,
    instanceClass: parseInstanceClass(query.text('DBInstanceClass') ?? snapshot.instanceClass),
    backupRetentionDays: parseRetention(query) ?? snapshot.backupRetentionDays,
  }
  const { encrypted, kmsKeyId } = snapshot
  const settings = parseSettings(query, { ...defaultSettings(), encrypted, kmsKeyId })
  const instance = await addInstance(call, { id, shape, settings }, { kind: 'restore', snapshot: key(region, snapshot.id) })
  return { DBInstance: instanceView(cloud, instance) }
}
