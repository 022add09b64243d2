/** What every operation of simulated RDS works with: the memory, the servers, and small questions asked in many places. */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { CloudGround } from '../cloud'
import type { AccessKey } from '../credentials'
import type { Endpoints } from '../endpoints'
import type { Hazards } from '../faults/call-faults'
import type { Effects } from '../faults/effects'
import type { Past } from '../past'
import type { Catalogue } from '../postgres/catalogue'
import type { ServerSpec, Servers } from '../postgres/servers'
import type { FrontSpec } from '../postgres/spec'
import { allowedNetworks, DEFAULT_GROUP, type SecurityGroup } from '../security-groups'
import type { TaskRunner } from '../tasks'
import type { Deployment } from './blue-green/state'
import { AwsError, invalidCombination, invalidValue } from './errors'
import { clusterOf, endpointHosts, primaryOf } from './following'
import type { Answers } from './generated/answers'
import type { GlobalCluster } from './global-clusters'
import { parseIdentifier } from './identifiers'
import { familyOf, findClusterGroup, findGroup, runningValues, serverSettings } from './parameters'
import type { Action } from './protocol/model'
import type { Query } from './protocol/query'
import { requireRoom } from './quotas'
import {
  type AwsState,
  type DbCluster,
  type DbInstance,
  type DbSnapshot,
  type Engine,
  key,
  type ParameterGroup,
  type Shape,
  type Task,
} from './state'

export interface AwsCloud extends CloudGround {
  readonly state: AwsState
  /** The one that calls are signed with. */
  readonly accessKey: AccessKey
  readonly securityGroups: Readonly<Record<string, SecurityGroup>>
  readonly servers: Servers
  /** Versions on offer, by major: the full version of the binaries. */
  readonly versions: Readonly<Record<PostgresMajor, string>>
  readonly tasks: TaskRunner<DbInstance>
  readonly copies: TaskRunner<DbSnapshot>
  readonly clusterTasks: TaskRunner<DbCluster>
  readonly globalTasks: TaskRunner<GlobalCluster>
  readonly deploymentTasks: TaskRunner<Deployment>
  /** What listens at clusters' endpoints. */
  readonly endpoints: Endpoints
  /** How replicas follow. */
  readonly replicas: Looker
  /** Deletes backups that nobody can restore from any more (backups.ts). */
  sweepDoomed(): Promise<void>
  /** How far instances can be restored to. */
  readonly reach: Looker
  /** What there was before, for those who are told nothing newer. */
  readonly past: Past<AwsState>
  readonly afflictions: Afflictions
  catalogue(major: PostgresMajor): Promise<Catalogue>
}

/** What ordered faults do to instances now, by their keys. */
export type Afflictions = Pick<Effects, 'isCut' | 'isFrozen' | 'isFull' | 'lingers' | 'settings' | 'thawed' | 'lift'>

/** Looks after something that is only known when somebody asks: what they see is what was known before. */
export interface Looker {
  looked(instance: Pick<DbInstance, 'region' | 'id'>): void
  close(): Promise<void>
}

export interface Call {
  readonly cloud: AwsCloud
  readonly region: string
  readonly query: Query
  readonly faults: Hazards
}

/** The content of `<Action>Result`, or undefined for an action that answers nothing. */
export type Operation<A extends Action = Action> = (call: Call) => Promise<Answers[A]>

/** @throws AwsError DBInstanceNotFound. */
export function findInstance(call: Call, id = call.query.required('DBInstanceIdentifier')): DbInstance {
  const name = idOf(id)
  const instance = call.cloud.state.instances[key(call.region, name)]
  if (!instance) throw new AwsError('DBInstanceNotFound', `DBInstance ${name} not found.`)
  return instance
}

/** @throws AwsError DBClusterNotFoundFault. */
export function findCluster(call: Call, id = call.query.required('DBClusterIdentifier')): DbCluster {
  const name = idOf(id)
  const cluster = call.cloud.state.clusters[key(call.region, name)]
  if (!cluster) throw new AwsError('DBClusterNotFoundFault', `DBCluster ${name} not found.`)
  return cluster
}

/** Of whatever region its ARN says. @throws AwsError DBClusterNotFoundFault. */
export function findClusterAnywhere(call: Call, name: string): DbCluster {
  const found = /^arn:aws:rds:([a-z0-9-]+):\d{12}:cluster:[^:]+$/.exec(name)
  return findCluster({ ...call, region: found?.[1] ?? call.region }, name)
}

/** @throws AwsError GlobalClusterNotFoundFault. */
export function findGlobalCluster(call: Call, id = call.query.required('GlobalClusterIdentifier')): GlobalCluster {
  const global = call.cloud.state.globalClusters[idOf(id)]
  if (!global) throw new AwsError('GlobalClusterNotFoundFault', `Global cluster ${idOf(id)} not found.`)
  return global
}

/** By the identifier that RDS gave it. @throws AwsError BlueGreenDeploymentNotFoundFault. */
export function findDeployment(call: Call, id = call.query.required('BlueGreenDeploymentIdentifier')): Deployment {
  const name = idOf(id)
  const deployment = call.cloud.state.deployments[key(call.region, name)]
  if (!deployment) throw new AwsError('BlueGreenDeploymentNotFoundFault', `BlueGreenDeployment ${name} not found.`)
  return deployment
}

/** @throws AwsError DBClusterSnapshotNotFoundFault. */
export function findClusterSnapshot(call: Call, id: string): DbSnapshot {
  const name = id.startsWith('arn:') ? id.split(':').slice(6).join(':') : id
  const snapshot = call.cloud.state.snapshots[key(call.region, `cluster:${name}`)]
  if (!snapshot) throw new AwsError('DBClusterSnapshotNotFoundFault', `DBClusterSnapshot ${name} not found.`)
  return snapshot
}

/** @throws AwsError DBSnapshotNotFound. */
export function findSnapshot(call: Call, id = call.query.required('DBSnapshotIdentifier')): DbSnapshot {
  const name = idOf(id)
  const snapshot = call.cloud.state.snapshots[key(call.region, name)]
  if (!snapshot) throw new AwsError('DBSnapshotNotFound', `DBSnapshot ${name} not found.`)
  return snapshot
}

/** Identifiers are also accepted as ARNs, which end in them; they are looked up in lower case. Those of automated snapshots have a colon. */
function idOf(text: string): string {
  return (text.startsWith('arn:') ? text.split(':').slice(6).join(':') : text).toLowerCase()
}

/** A name for a new instance. @throws AwsError InvalidParameterValue, DBInstanceAlreadyExists, InstanceQuotaExceeded. */
export function newInstanceId(call: Call): string {
  const id = freeInstanceId(call, 'DBInstanceIdentifier', call.query.required('DBInstanceIdentifier'))
  requireRoom(call.cloud.state, call.region, 'instances')
  return id
}

/** @throws AwsError InvalidParameterValue, DBInstanceAlreadyExists. */
export function freeInstanceId(call: Call, parameter: string, wanted: string): string {
  const id = parseIdentifier(parameter, wanted)
  if (call.cloud.state.instances[key(call.region, id)]) {
    throw new AwsError('DBInstanceAlreadyExists', 'DB instance already exists')
  }
  return id
}

/** An address for an instance of this name: the one that it had before another was renamed away from it, if that is free. */
export function takeHost(cloud: AwsCloud, name: string): number {
  const { namedHosts } = cloud.state
  const former = namedHosts[name]
  delete namedHosts[name]
  const host = former !== undefined && cloud.addresses.isFree(former) ? former : cloud.addresses.take()
  if (host === undefined) throw new AwsError('InstanceQuotaExceeded', 'Every address of this lab is taken.')
  return host
}

/** Gives an instance another identifier, and with it another address. False when the identifier was taken meanwhile. */
export function moveTo(cloud: AwsCloud, instance: DbInstance, id: string): boolean {
  const { instances, namedHosts } = cloud.state
  const [from, to] = [keyOf(instance), key(instance.region, id)]
  if (instances[to]) return false
  const host = takeHost(cloud, to)
  for (const [name, other] of Object.entries(namedHosts)) if (other === instance.host) delete namedHosts[name]
  namedHosts[from] = instance.host
  delete instances[from]
  instances[to] = Object.assign(instance, { id, host })
  return true
}

/** '15' or '15.18' → what the binaries are. @throws AwsError InvalidParameterCombination. */
export function parseEngineVersion(
  cloud: AwsCloud,
  wanted: string | undefined,
  engine: Engine = 'postgres',
): { engine: Engine; major: PostgresMajor; engineVersion: string } {
  for (const major of [17, 15] as const) {
    const engineVersion = cloud.versions[major]
    if (wanted === undefined || wanted === String(major) || wanted === engineVersion) return { engine, major, engineVersion }
  }
  throw invalidCombination(`Cannot find version ${wanted} for ${engine}`)
}

/** The groups of the request, or the default one. @throws AwsError InvalidParameterValue for one that nobody made. */
export function parseSecurityGroups(call: Call): string[] | undefined {
  const ids = call.query.list('VpcSecurityGroupIds')
  if (ids === undefined || ids.length === 0) return undefined
  for (const id of ids) {
    if (id !== DEFAULT_GROUP && !call.cloud.securityGroups[id])
      throw invalidValue(`Invalid security group , groupId= ${id}, groupName=.`)
  }
  return [...new Set(ids)]
}

export function findGroupOf(state: AwsState, { region, parameterGroup }: DbInstance): ParameterGroup {
  return findGroup(state, region, parameterGroup)
}

/** The group of the request for a server of this kind, or its default one. */
export function parseParameterGroup(call: Call, of: Pick<Shape, 'engine' | 'major'>, otherwise?: ParameterGroup): ParameterGroup {
  const family = familyOf(of)
  const name = call.query.text('DBParameterGroupName')
  const group = (name === undefined && otherwise) || findGroup(call.cloud.state, call.region, name ?? `default.${family}`)
  if (group.family !== family) {
    throw invalidCombination(
      `The Parameter Group ${group.name} with DBParameterGroupFamily ${group.family} can't be used for this instance. Please use a Parameter Group with DBParameterGroupFamily ${family}`,
    )
  }
  return group
}

/** The group of the request for a cluster of this version; undefined when it names none.
 *  @throws AwsError DBClusterParameterGroupNotFound, InvalidParameterCombination. */
export function parseClusterGroup({ cloud, query, region }: Call, { major }: Pick<Shape, 'major'>): string | undefined {
  const name = query.text('DBClusterParameterGroupName')
  if (name === undefined) return undefined
  const group = findClusterGroup(cloud.state, region, name, 'DBClusterParameterGroupNotFound')
  const family = familyOf({ engine: 'aurora-postgresql', major })
  if (group.family === family) return group.name
  throw invalidCombination(
    `The Parameter Group ${group.name} with DBParameterGroupFamily ${group.family} can't be used for this cluster. Please use a Parameter Group with DBParameterGroupFamily ${family}`,
  )
}

/** Whether the instance can take a change now. Storage that is being optimized is usable. */
export function takesChanges(call: Call, instance: DbInstance): boolean {
  return instance.status === 'available' && !call.faults.keepsBusy(instance)
}

/** What an accepted call leaves to be done; an ordered fault may have it end badly. */
export function promised(call: Call, task: Task): Task {
  const doom = call.faults.doom()
  return doom ? { ...task, doom } : task
}

export function keyOf({ region, id }: Pick<DbInstance, 'region' | 'id'>): string {
  return key(region, id)
}

/** Where its server itself is, which customers need not know. */
export function serverAddress({ addresses }: AwsCloud, { host, innerHost }: DbInstance): string {
  return addresses.textOf(innerHost ?? host)
}

/** Members of `rds_iam` log in by token. Stock PostgreSQL lets nobody grant a role without being a member of it, from 16 on: so the master,
 *  which has to grant this one, keeps its password there. */
function frontOf({ addresses }: AwsCloud, { host, innerHost, major, masterUsername }: DbInstance): FrontSpec | undefined {
  if (innerHost === undefined) return undefined
  return { address: addresses.textOf(host), role: 'rds_iam', exempt: major >= 16 ? masterUsername : undefined }
}

/** The server that an instance should be, as of now. */
export function specOf(cloud: AwsCloud, instance: DbInstance): ServerSpec {
  const primary = primaryOf(cloud.state, instance)
  const cluster = clusterOf(cloud.state, instance)
  const groups = cluster?.securityGroups ?? instance.securityGroups
  const values = runningValues(instance.running)
  return {
    folder: instance.folder,
    major: instance.major,
    address: serverAddress(cloud, instance),
    front: frontOf(cloud, instance),
    settings: { ...serverSettings(values), ...cloud.afflictions.settings(keyOf(instance)) },
    // whichever role it has, its certificate is good for its cluster's endpoints
    aliases: cluster && endpointHosts(cloud.state, cluster).map((host) => cloud.addresses.textOf(host)),
    archive: (cluster ?? instance).archive ?? undefined,
    replicaOf: primary && { folder: primary.folder, address: serverAddress(cloud, primary) },
    tls: values['rds.force_ssl'] === '1' ? 'required' : 'offered',
    networks: instance.switching || cloud.afflictions.isCut(keyOf(instance)) ? [] : allowedNetworks(cloud.securityGroups, groups),
  }
}
