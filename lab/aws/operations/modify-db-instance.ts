/** ModifyDBInstance. Accepted now, applied in the background: the answer and the next descriptions may still say `available`.
 *  Network rules, the parameter group's name and the password do not wait for ApplyImmediately; class and storage do. */
import { scramVerifier } from '../../postgres/verifier'
import {
  type Call,
  findInstance,
  keyOf,
  type Operation,
  parseParameterGroup,
  parseSecurityGroups,
  promised,
  takesChanges,
} from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { parseInstanceClass, parsePassword, parseStorage } from '../identifiers'
import type { DbInstance, PendingChanges } from '../state'
import { instanceView } from '../views'
import { parseRetention } from './new-instance'

/** Would change what the lab cannot change: refused rather than swallowed. */
const UNSUPPORTED = [
  'NewDBInstanceIdentifier',
  'EngineVersion',
  'DBPortNumber',
  'ManageMasterUserPassword',
  'RotateMasterUserPassword',
]

export const modifyDbInstance: Operation<'ModifyDBInstance'> = async (call) => {
  const { cloud, query } = call
  const instance = findInstance(call)
  requireModifiable(call, instance)
  for (const name of UNSUPPORTED) {
    if (query.text(name) !== undefined) throw invalidCombination(`This lab cannot change ${name}.`)
  }
  const wanted = parseChanges(call, instance)
  Object.assign(instance.pending, wanted.pending)
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

/** Everything is checked before anything is changed. */
function parseChanges(
  call: Call,
  instance: DbInstance,
): { pending: PendingChanges; securityGroups: string[] | undefined; parameterGroup: string | undefined } {
  const { query } = call
  const pending: PendingChanges = {}
  const instanceClass = query.text('DBInstanceClass')
  if (instanceClass !== undefined) pending.instanceClass = parseInstanceClass(instanceClass)
  const storageGib = query.integer('AllocatedStorage')
  if (storageGib !== undefined && storageGib !== instance.storageGib) pending.storageGib = grownStorage(storageGib, instance)
  const retention = parseRetention(query)
  if (retention !== undefined) pending.backupRetentionDays = retention
  const multiAz = query.flag('MultiAZ')
  if (multiAz !== undefined) pending.multiAz = multiAz
  const password = query.text('MasterUserPassword')
  if (password !== undefined) pending.masterVerifier = scramVerifier(parsePassword(password))
  const named = query.text('DBParameterGroupName') !== undefined
  return {
    pending,
    securityGroups: parseSecurityGroups(call),
    parameterGroup: named ? parseParameterGroup(call, instance.major).name : undefined,
  }
}

/** At least 10 percent more; values that are more, but less than that, are rounded up. */
function grownStorage(wantedGib: number, instance: DbInstance): number {
  if (wantedGib < instance.storageGib) {
    throw invalidCombination(`Invalid storage size: ${wantedGib} is less than the ${instance.storageGib} that the instance has.`)
  }
  return parseStorage(Math.max(wantedGib, Math.ceil(instance.storageGib * 1.1)))
}
