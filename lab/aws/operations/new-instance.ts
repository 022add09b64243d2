/** What creating and restoring have in common: all that does not come from the snapshot. */
import { randomBytes } from 'node:crypto'
import { DEFAULT_GROUP } from '../../security-groups'
import { type Call, parseParameterGroup, parseSecurityGroups, promised, takeHost } from '../cloud'
import { invalidValue } from '../errors'
import { parseTags } from '../identifiers'
import type { Query } from '../protocol/query'
import { type DbInstance, key, type Shape, type Task } from '../state'

/** Writes the instance down and lets it be made in the background. `shape`: what creating takes from the request and restoring from the
 *  snapshot; everything else is what the request says, or the default. */
export async function addInstance(call: Call, id: string, shape: Shape, task: Task): Promise<DbInstance> {
  const { cloud, query, region } = call
  const instance: DbInstance = {
    ...shape,
    region,
    id,
    resourceId: newResourceId(),
    status: 'creating',
    folder: '',
    securityGroups: parseSecurityGroups(call) ?? [DEFAULT_GROUP],
    parameterGroup: parseParameterGroup(call, shape.major).name,
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
    tasks: [promised(call, task)],
  }
  cloud.state.instances[key(region, id)] = instance
  await cloud.save()
  cloud.tasks.wake(instance)
  return instance
}

/** Immutable and never given twice, unlike the identifier. */
function newResourceId(): string {
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
