/** ModifyDBInstance. Accepted now, applied in the background: the answer and the next descriptions may still say `available`.
 *  Network rules, the parameter group's name and the password do not wait for ApplyImmediately; class, storage and name do. */
import { scramVerifier } from '../../postgres/verifier'
import {
  type Call,
  findInstance,
  freeInstanceId,
  keyOf,
  type Operation,
  parseEngineVersion,
  parseParameterGroup,
  parseSecurityGroups,
  promised,
  takesChanges,
} from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { parsePassword } from '../identifiers'
import { parseInstanceClass } from '../instance-classes'
import { requireRoom } from '../quotas'
import { requireAlone } from '../replicas'
import { type InstanceSettings, parseSettings } from '../settings'
import type { DbInstance, PendingChanges } from '../state'
import { parseStorage, type Storage } from '../storage'
import { instanceView } from '../views'
import { parseRetention, refuseManagedPassword } from './new-instance'
import { parsePromotionTier, refuseClustersOwn } from './new-member'

/** Would change what the lab cannot change: refused rather than swallowed. */
const UNSUPPORTED = ['DBPortNumber', 'DBSubnetGroupName', 'Domain', 'RotateMasterUserPassword', 'TdeCredentialArn']

export const modifyDbInstance: Operation<'ModifyDBInstance'> = async (call) => {
  const { cloud, query } = call
  const instance = findInstance(call)
  requireModifiable(call, instance)
  for (const name of UNSUPPORTED) {
    if (query.text(name) !== undefined) throw invalidCombination(`This lab cannot change ${name}.`)
  }
  if (instance.cluster !== null) refuseClustersOwn(query, 'is')
  const wanted = parseChanges(call, instance)
  instance.promotionTier = parsePromotionTier(query) ?? instance.promotionTier
  Object.assign(instance.pending, wanted.pending)
  instance.settings = wanted.settings
  instance.deletionProtection = query.flag('DeletionProtection') ?? instance.deletionProtection
  instance.copyTagsToSnapshot = query.flag('CopyTagsToSnapshot') ?? instance.copyTagsToSnapshot
  instance.publiclyAccessible = query.flag('PubliclyAccessible') ?? instance.publiclyAccessible
  if (wanted.securityGroups) instance.securityGroups = wanted.securityGroups
  if (wanted.parameterGroup !== undefined && wanted.parameterGroup !== instance.parameterGroup) {
    instance.parameterGroup = wanted.parameterGroup
    instance.parameterStatus = 'applying'
  }
  if (query.flag('ApplyImmediately') === true && Object.keys(instance.pending).length > 0) instance.applyNow = true
  instance.tasks.push(promised(call, { kind: 'modify' }))
  await cloud.save()
  const view = instanceView(cloud, instance)
  if (instance.applyNow && instance.pending.storageGib !== undefined) await cloud.afflictions.lift('fill-disk', keyOf(instance))
  cloud.tasks.wake(instance)
  return { DBInstance: view }
}

function requireModifiable(call: Call, instance: DbInstance): void {
  if (instance.status === 'incompatible-parameters' || takesChanges(call, instance)) return
  // more room is the way out of it, and the only change that it takes
  if (instance.status === 'storage-full' && (call.query.integer('AllocatedStorage') ?? 0) > instance.storageGib) return
  throw new AwsError('InvalidDBInstanceState', 'Database instance is not in available state.')
}

interface Changes {
  pending: PendingChanges
  settings: InstanceSettings
  securityGroups: string[] | undefined
  parameterGroup: string | undefined
}

/** Everything is checked before anything is changed. */
function parseChanges(call: Call, instance: DbInstance): Changes {
  const { query } = call
  refuseManagedPassword(query)
  refuseOtherVersion(call, instance)
  const pending: PendingChanges = changedStorage(call, instance)
  const id = query.text('NewDBInstanceIdentifier')
  if (id !== undefined && id.toLowerCase() !== instance.id) pending.id = freeInstanceId(call, 'NewDBInstanceIdentifier', id)
  const instanceClass = query.text('DBInstanceClass')
  if (instanceClass !== undefined) pending.instanceClass = parseInstanceClass(instanceClass, instance.engine)
  const retention = parseRetention(query)
  refuseAsReplica(call, instance, retention)
  if (retention !== undefined) pending.backupRetentionDays = retention
  const multiAz = query.flag('MultiAZ')
  if (multiAz !== undefined) pending.multiAz = multiAz
  const iamAuthentication = query.flag('EnableIAMDatabaseAuthentication')
  if (iamAuthentication !== undefined) pending.iamAuthentication = iamAuthentication
  const password = query.text('MasterUserPassword')
  if (password !== undefined) pending.masterVerifier = scramVerifier(parsePassword(password))
  const named = query.text('DBParameterGroupName') !== undefined
  return {
    pending,
    settings: parseSettings(query, instance.settings),
    securityGroups: parseSecurityGroups(call),
    parameterGroup: named ? parseParameterGroup(call, instance).name : undefined,
  }
}

/** A replica has its source's roles, and no archive of its own; a source needs its archive for its replicas. */
function refuseAsReplica({ cloud, query }: Call, instance: DbInstance, retention: number | undefined): void {
  if (retention === 0 && instance.backupRetentionDays > 0) requireAlone(cloud.state, instance, 'left without backups')
  if (instance.replicaOf === null) return
  if (query.text('MasterUserPassword') !== undefined) {
    throw invalidCombination('The master password of a read replica is that of its source, and is changed there.')
  }
  if (retention !== undefined && retention > 0) {
    throw invalidCombination('This lab keeps no automated backups of a read replica: promote it first.')
  }
}

/** There is one minor version of each, and an upgrade from one to the other takes programs that the lab does not have. */
function refuseOtherVersion({ cloud, query }: Call, instance: DbInstance): void {
  const version = query.text('EngineVersion')
  if (version === undefined) return
  const { major, engineVersion } = parseEngineVersion(cloud, version)
  if (major === instance.major) return
  throw invalidCombination(`Cannot upgrade postgres from ${instance.engineVersion} to ${engineVersion}`)
}

/** What of the storage would be another. More is at least 10 percent more: less than that is rounded up. */
function changedStorage({ cloud, query, region }: Call, instance: DbInstance): Partial<Storage> {
  const asked = ['AllocatedStorage', 'StorageType', 'Iops', 'StorageThroughput'].some((name) => query.text(name) !== undefined)
  if (!asked) return {}
  const wanted = parseStorage(query, instance)
  if (wanted.storageGib < instance.storageGib) {
    throw invalidCombination(
      `Invalid storage size: ${wanted.storageGib} is less than the ${instance.storageGib} that the instance has.`,
    )
  }
  if (wanted.storageGib > instance.storageGib) {
    wanted.storageGib = Math.max(wanted.storageGib, Math.ceil(instance.storageGib * 1.1))
    requireRoom(cloud.state, region, 'storage', wanted.storageGib - instance.storageGib)
  }
  const changed = Object.entries(wanted).filter(([name, value]) => instance[name as keyof Storage] !== value)
  if (changed.length > 0 && (instance.optimizesUntil ?? '') > new Date().toISOString()) {
    throw invalidCombination(
      "You can't currently modify the storage of this DB instance because the previous storage change is being optimized.",
    )
  }
  return Object.fromEntries(changed)
}
