/** What creating and restoring have in common: all that does not come from the snapshot. */
import { randomBytes } from 'node:crypto'
import { DEFAULT_GROUP } from '../../security-groups'
import { type Call, parseParameterGroup, parseSecurityGroups, promised, takeHost } from '../cloud'
import { invalidCombination, invalidValue } from '../errors'
import { parseTags } from '../identifiers'
import type { Query } from '../protocol/query'
import { requireRoom } from '../quotas'
import type { InstanceSettings } from '../settings'
import { type DbInstance, key, type ParameterGroup, type Shape, type Task } from '../state'
import { parsePlacement } from '../zones'

export interface NewInstance {
  id: string
  /** What creating takes from the request and restoring from the snapshot. */
  shape: Shape
  settings: InstanceSettings
  /** Of a cluster, named by its resource id. */
  member?: { cluster: string; promotionTier: number }
  /** The resource id of the source of a read replica. */
  replicaOf?: string
  /** Instead of the default one, when the request names none. */
  parameterGroup?: ParameterGroup
}

/** Writes the instance down and lets it be made in the background; what is not given with it is what the request says, or the default. */
export async function addInstance(call: Call, made: NewInstance, task: Task): Promise<DbInstance> {
  const { cloud, query, region } = call
  const { id, shape, settings } = made
  refuseManagedPassword(query)
  const multiAz = query.flag('MultiAZ') ?? false
  requireRoom(cloud.state, region, 'storage', shape.storageGib)
  const instance: DbInstance = {
    ...shape,
    ...parsePlacement(query, cloud.state, region, multiAz),
    region,
    id,
    resourceId: newResourceId(),
    status: 'creating',
    folder: '',
    cluster: made.member?.cluster ?? null,
    promotionTier: made.member?.promotionTier ?? 1,
    replicaOf: made.replicaOf ?? null,
    archive: null,
    restorable: null,
    settings,
    securityGroups: parseSecurityGroups(call) ?? [DEFAULT_GROUP],
    parameterGroup: parseParameterGroup(call, shape, made.parameterGroup).name,
    running: { group: '', parameters: {} },
    parameterStatus: 'in-sync',
    multiAz,
    publiclyAccessible: query.flag('PubliclyAccessible') ?? false,
    deletionProtection: query.flag('DeletionProtection') ?? false,
    copyTagsToSnapshot: query.flag('CopyTagsToSnapshot') ?? false,
    iamAuthentication: query.flag('EnableIAMDatabaseAuthentication') ?? false,
    tags: parseTags(query.records('Tags')),
    pending: {},
    applyNow: false,
    createdAt: null,
    host: takeHost(cloud, key(region, id)),
    tasks: [promised(call, task)],
  }
  cloud.state.instances[key(region, id)] = instance
  await cloud.save()
  cloud.tasks.wake(instance)
  return instance
}

/** Its password would have to be kept in Secrets Manager, which this lab does not have. */
export function refuseManagedPassword(query: Query): void {
  if (query.flag('ManageMasterUserPassword') !== true) {
    if (query.text('MasterUserSecretKmsKeyId') === undefined) return
    throw invalidCombination('You can specify MasterUserSecretKmsKeyId only when ManageMasterUserPassword is turned on.')
  }
  if (query.text('MasterUserPassword') !== undefined) {
    throw invalidCombination('You can specify MasterUserPassword or ManageMasterUserPassword, not both.')
  }
  throw invalidCombination('ManageMasterUserPassword is not supported: this lab has no Secrets Manager to keep the password in.')
}

/** Immutable and never given twice, unlike the identifier. */
export function newResourceId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return `db-${[...randomBytes(26)].map((byte) => alphabet[byte % 32]).join('')}`
}

export function parseRetention(query: Query): number | undefined {
  const days = query.integer('BackupRetentionPeriod')
  if (days !== undefined && (days < 0 || days > 35)) {
    throw invalidValue(`Invalid backup retention period: ${days}. Must be between 0 and 35.`)
  }
  return days
}
