/** What creating and restoring an Aurora cluster have in common. */
import { randomBytes } from 'node:crypto'
import { DEFAULT_GROUP } from '../../security-groups'
import { type Call, parseClusterGroup, parseSecurityGroups, promised, takeHost } from '../cloud'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import type { GlobalCluster } from '../global-clusters'
import { parseIdentifier, parseTags } from '../identifiers'
import type { Query } from '../protocol/query'
import { requireRoom } from '../quotas'
import type { InstanceSettings } from '../settings'
import { type ClusterTask, type DbCluster, key, type Scaling } from '../state'
import { findSubnetGroup } from '../zones'
import { refuseManagedPassword } from './new-instance'

type NewCluster = Pick<DbCluster, 'major' | 'engineVersion' | 'masterUsername' | 'databaseName' | 'backupRetentionDays'> & {
  settings: InstanceSettings
}

/** @throws AwsError InvalidParameterValue, DBClusterAlreadyExistsFault, DBClusterQuotaExceededFault. */
export function newClusterId(call: Call): string {
  const id = parseIdentifier('DBClusterIdentifier', call.query.required('DBClusterIdentifier'))
  if (call.cloud.state.clusters[key(call.region, id)]) {
    throw new AwsError('DBClusterAlreadyExistsFault', `DB Cluster already exists: ${id}`)
  }
  requireRoom(call.cloud.state, call.region, 'clusters')
  return id
}

/** Writes the cluster down, as a part of the global one, and lets its volume be made in the background. */
export async function addCluster(
  call: Call,
  id: string,
  shape: NewCluster,
  task: ClusterTask,
  global?: GlobalCluster,
): Promise<DbCluster> {
  const { cloud, query, region } = call
  refuseManagedPassword(query)
  refuseWhatIsNotHere(query)
  const parameterGroup = parseClusterGroup(call, shape)
  const cluster: DbCluster = {
    ...shape,
    ...(parameterGroup !== undefined && { parameterGroup }),
    region,
    id,
    resourceId: `cluster-${randomBytes(16).toString('hex').toUpperCase().slice(0, 26)}`,
    status: 'creating',
    scaling: parseScaling(query) ?? null,
    securityGroups: parseSecurityGroups(call) ?? [DEFAULT_GROUP],
    subnetGroup: findSubnetGroup(cloud.state, region, query.text('DBSubnetGroupName') ?? 'default').name,
    deletionProtection: query.flag('DeletionProtection') ?? false,
    copyTagsToSnapshot: query.flag('CopyTagsToSnapshot') ?? false,
    iamAuthentication: query.flag('EnableIAMDatabaseAuthentication') ?? false,
    writerHost: 0,
    readerHost: 0,
    volume: null,
    writer: null,
    archive: null,
    restorable: null,
    createdAt: null,
    pending: {},
    tags: parseTags(query.records('Tags')),
    tasks: [],
  }
  cluster.writerHost = takeHost(cloud, `${key(region, id)} writer`)
  // written down at once, so that the second address is another one
  cloud.state.clusters[key(region, id)] = cluster
  if (global) {
    global.clusters.push(cluster.resourceId)
    global.primary ??= cluster.resourceId
  }
  cluster.readerHost = takeHost(cloud, `${key(region, id)} reader`)
  const { doom } = promised(call, { kind: 'modify' })
  cluster.tasks.push(doom ? { ...task, doom } : task)
  await cloud.save()
  cloud.clusterTasks.wake(cluster)
  return cluster
}

/** Readers of this lab take no writes to pass them on. @throws AwsError InvalidParameterCombination. */
export function refuseWriteForwarding(query: Query): void {
  if (query.flag('EnableGlobalWriteForwarding') !== true) return
  throw invalidCombination('This lab has no write forwarding: a secondary cluster takes no writes.')
}

/** Would need what the lab does not have: refused rather than swallowed. */
function refuseWhatIsNotHere(query: Query): void {
  const parameters = ['ReplicationSourceIdentifier', 'DBClusterInstanceClass', 'EnableLimitlessDatabase']
  refuseWriteForwarding(query)
  const asked = parameters.find((name) => query.text(name) !== undefined)
  if (asked !== undefined) throw invalidCombination(`This lab has no clusters with ${asked}.`)
  const mode = query.text('EngineMode')
  if (mode !== undefined && mode !== 'provisioned') throw invalidCombination(`The engine mode ${mode} is not supported.`)
}

/** @throws AwsError InvalidParameterValue. */
export function parseClusterRetention(query: Query): number | undefined {
  const days = query.integer('BackupRetentionPeriod')
  if (days !== undefined && (days < 1 || days > 35)) {
    throw invalidValue(`Invalid backup retention period: ${days}. Must be between 1 and 35.`)
  }
  return days
}

/** In Aurora capacity units, by halves. Source: RDS API reference, ServerlessV2ScalingConfiguration.
 *  @throws AwsError InvalidParameterValue, InvalidParameterCombination. */
export function parseScaling(query: Query, before?: Scaling | null): Scaling | undefined {
  const number = (name: string): number | undefined => query.decimal(`ServerlessV2ScalingConfiguration.${name}`)
  const [min, max] = [number('MinCapacity') ?? before?.min, number('MaxCapacity') ?? before?.max]
  const pauseSeconds = number('SecondsUntilAutoPause') ?? before?.pauseSeconds ?? null
  if (min === undefined && max === undefined && pauseSeconds === null) return undefined
  if (min === undefined || max === undefined) {
    throw invalidCombination('Both MinCapacity and MaxCapacity of the Serverless v2 scaling configuration must be given.')
  }
  const whole = (value: number): boolean => Number.isInteger(value * 2)
  if (!whole(min) || !whole(max) || min < 0 || max < 1 || max > 256 || min > max) {
    throw invalidValue(
      `Serverless v2 capacity ${min} isn't valid with ${max}: from 0 to 256 in steps of 0.5, the minimum not above the maximum, which is at least 1.`,
    )
  }
  if (pauseSeconds !== null && (min !== 0 || pauseSeconds < 300 || pauseSeconds > 86_400)) {
    throw invalidCombination('SecondsUntilAutoPause is from 300 to 86400, and only with a MinCapacity of 0.')
  }
  return { min, max, pauseSeconds }
}
