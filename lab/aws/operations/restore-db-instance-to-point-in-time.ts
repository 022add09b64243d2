/** RestoreDBInstanceToPointInTime: always a new instance, of one that keeps automated backups, or did and is gone. What the source has of
 *  network rules, parameter group, second zone and protection is not restored: what the request does not give has the default. The
 *  master has the password of that moment. */
import { backupsOf } from '../backups'
import { type Call, freeInstanceId, type Operation } from '../cloud'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { parseInstanceClass } from '../instance-classes'
import { requireRoom } from '../quotas'
import { expire } from '../retained-backups'
import { defaultSettings, parseSettings } from '../settings'
import type { DbInstance, RetainedBackup, Task } from '../state'
import { parseStorage } from '../storage'
import { instanceView } from '../views'
import { findBackedUp } from './backed-up'
import { addInstance, parseRetention } from './new-instance'

type Source = DbInstance | RetainedBackup

export const restoreDbInstanceToPointInTime: Operation<'RestoreDBInstanceToPointInTime'> = async (call) => {
  const { cloud, query } = call
  await expire(cloud)
  const source = findSource(call)
  const id = freeInstanceId(call, 'TargetDBInstanceIdentifier', query.required('TargetDBInstanceIdentifier'))
  requireRoom(cloud.state, call.region, 'instances')
  const engine = query.text('Engine')
  if (engine !== undefined && engine !== 'postgres') {
    throw invalidCombination(`A backup of postgres cannot be restored with the engine ${engine}.`)
  }
  if (query.text('DBName') !== undefined) throw invalidCombination('DBName cannot be given when PostgreSQL is restored.')
  const task = taskOf(call, source)
  const storage = parseStorage(query, source)
  if (storage.storageGib < source.storageGib) {
    throw invalidCombination(`The allocated storage must be at least that of the source, ${source.storageGib}.`)
  }
  const shape = {
    ...storage,
    engine: source.engine,
    major: source.major,
    engineVersion: source.engineVersion,
    masterUsername: source.masterUsername,
    databaseName: source.databaseName,
    instanceClass: parseInstanceClass(query.text('DBInstanceClass') ?? source.instanceClass),
    backupRetentionDays: parseRetention(query) ?? source.backupRetentionDays,
  }
  const { encrypted, kmsKeyId } = source.settings
  const settings = parseSettings(query, { ...defaultSettings(), encrypted, kmsKeyId })
  const instance = await addInstance(call, { id, shape, settings }, task)
  return { DBInstance: instanceView(cloud, instance) }
}

/** @throws AwsError DBInstanceNotFound, DBInstanceAutomatedBackupNotFound, PointInTimeRestoreNotEnabled, InvalidParameterCombination. */
function findSource(call: Call): Source {
  const { query } = call
  const named = ['SourceDBInstanceIdentifier', 'SourceDbiResourceId', 'SourceDBInstanceAutomatedBackupsArn'].filter(
    (name) => query.text(name) !== undefined,
  )
  if (named.length !== 1) {
    throw invalidCombination(
      'One of SourceDBInstanceIdentifier, SourceDbiResourceId and SourceDBInstanceAutomatedBackupsArn must be given.',
    )
  }
  const source = findBackedUp(call, {
    instance: query.text('SourceDBInstanceIdentifier'),
    resource: query.text('SourceDbiResourceId'),
    arn: query.text('SourceDBInstanceAutomatedBackupsArn'),
  })
  if (source.archive !== null) return source
  throw new AwsError(
    'PointInTimeRestoreNotEnabled',
    `Point in time restore is not enabled for ${source.id}: its backup retention period is 0.`,
  )
}

/** @throws AwsError InvalidParameterCombination, InvalidParameterValue, InvalidDBInstanceState. */
function taskOf({ cloud, query }: Call, source: Source): Task {
  const latest = query.flag('UseLatestRestorableTime') ?? false
  const wanted = query.time('RestoreTime')
  if (latest === (wanted !== undefined)) {
    throw invalidCombination('Either RestoreTime must be given or UseLatestRestorableTime be true, and not both.')
  }
  const { archive, restorable } = source
  const backups = archive === null ? [] : backupsOf(cloud.state, archive)
  if (archive === null || restorable === null || backups.length === 0) {
    throw new AwsError('InvalidDBInstanceState', `${source.id} has no backup to restore from yet.`)
  }
  const target = wanted === undefined ? 'latest' : new Date(wanted).toISOString()
  if (target !== 'latest' && (target < restorable.earliest || target > restorable.latest)) {
    throw invalidValue(
      `The specified instance cannot be restored to a time earlier than ${restorable.earliest} or later than ${restorable.latest}: ${target}`,
    )
  }
  const backup = backups.filter(({ endedAt }) => target === 'latest' || (endedAt ?? target) <= target).at(-1) ?? backups[0]
  return { kind: 'restore-to-time', backup: backup?.folder ?? '', archive, target, source: source.id }
}
