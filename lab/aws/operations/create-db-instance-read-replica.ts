/** CreateDBInstanceReadReplica: of an instance that keeps backups, in its region or in another. It has what its source has, but for
 *  network rules, protection and backups. */
import { type Call, findGroupOf, newInstanceId, type Operation } from '../cloud'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { replicasOf } from '../following'
import { parseInstanceClass } from '../instance-classes'
import { REPLICAS_MAX } from '../replicas'
import { parseSettings } from '../settings'
import { ACCOUNT, type DbInstance, key } from '../state'
import { parseStorage } from '../storage'
import { instanceView } from '../views'
import { addInstance } from './new-instance'

export const createDbInstanceReadReplica: Operation<'CreateDBInstanceReadReplica'> = async (call) => {
  const { cloud, query, region } = call
  const id = newInstanceId(call)
  const source = findSource(call)
  if (source.cluster !== null)
    throw invalidCombination('A member of a DB cluster has no read replicas: add a reader to the cluster.')
  if (source.backupRetentionDays === 0) {
    throw new AwsError(
      'InvalidDBInstanceState',
      'Automated backups are not enabled for this database instance. To enable automated backups, use ModifyDBInstance to set the backup retention period to a non-zero value.',
    )
  }
  if (source.status !== 'available' && source.status !== 'backing-up') {
    throw new AwsError('InvalidDBInstanceState', `The source ${source.id} is not in available state.`)
  }
  if (replicasOf(cloud.state, source).length >= REPLICAS_MAX) {
    throw new AwsError('InstanceQuotaExceeded', `A DB instance has at most ${REPLICAS_MAX} read replicas.`)
  }
  const storage = parseStorage(query, source)
  if (storage.storageGib < source.storageGib) {
    throw invalidCombination(`The allocated storage must be at least that of the source, ${source.storageGib}.`)
  }
  const encrypted = source.settings.encrypted
  const kmsKeyId = query.text('KmsKeyId') ?? (source.region === region ? source.settings.kmsKeyId : null)
  if (encrypted !== (kmsKeyId !== null)) {
    throw invalidCombination('A read replica is encrypted when its source is, in another region with a KmsKeyId of that region.')
  }
  const shape = {
    ...storage,
    engine: source.engine,
    major: source.major,
    engineVersion: source.engineVersion,
    masterUsername: source.masterUsername,
    databaseName: source.databaseName,
    instanceClass: parseInstanceClass(query.text('DBInstanceClass') ?? source.instanceClass),
    backupRetentionDays: 0,
  }
  const settings = parseSettings(query, { ...source.settings, kmsKeyId })
  const group = source.region === region ? findGroupOf(cloud.state, source) : undefined
  const made = { id, shape, settings, replicaOf: source.resourceId, ...(group && { parameterGroup: group }) }
  const instance = await addInstance(call, made, { kind: 'replicate' })
  return { DBInstance: instanceView(cloud, instance) }
}

/** By its identifier in this region, or its ARN in any. @throws AwsError DBInstanceNotFound, InvalidParameterValue. */
function findSource({ cloud, query, region }: Call): DbInstance {
  const named = query.required('SourceDBInstanceIdentifier')
  const [, home, account, plain] = /^arn:aws:rds:([a-z0-9-]+):(\d{12}):db:(.+)$/.exec(named) ?? []
  if (named.startsWith('arn:') && account !== ACCOUNT) throw invalidValue(`Invalid DB instance identifier: ${named}`)
  const source = cloud.state.instances[key(home ?? region, plain ?? named)]
  if (!source) throw new AwsError('DBInstanceNotFound', `DBInstance ${named} not found.`)
  return source
}
