/** What every operation of simulated Azure works with: the memory, the servers, and small questions asked in many places. */
import type { Client } from 'pg'
import type { PostgresMajor } from '../../pgserver/binaries'
import type { CloudGround } from '../cloud'
import type { Endpoints } from '../endpoints'
import type { Hazards } from '../faults/call-faults'
import type { Effects } from '../faults/effects'
import type { Past } from '../past'
import type { ServerSpec, Servers } from '../postgres/servers'
import type { TaskRunner } from '../tasks'
import { endpointsOf } from './endpoints'
import { AzureError, busy, invalidParameter } from './errors'
import { allowedNetworks } from './networks'
import type { ParameterBook } from './parameter-book'
import { requiresTls, serverSettings } from './parameters'
import type { Body } from './protocol/body'
import { parseServerId, type ResourcePath, serverId, typeOf } from './protocol/path'
import { type AsyncOperation, type AzureServer, type AzureState, own, serverKey } from './state'

export interface AzureCloud extends CloudGround {
  readonly state: AzureState
  /** The one that calls bear. */
  readonly token: string
  readonly servers: Servers
  /** Versions on offer, by major: the full version of the binaries. */
  readonly versions: Readonly<Record<PostgresMajor, string>>
  readonly tasks: TaskRunner<AzureServer>
  /** What there was before, for those who are told nothing newer. */
  readonly past: Past<AzureState>
  readonly afflictions: Afflictions
  readonly parameters: ParameterBook
  readonly endpoints: Endpoints
}

/** What ordered faults do to servers now, by their keys. */
export type Afflictions = Pick<Effects, 'isCut' | 'isFrozen' | 'isFull' | 'lingers' | 'settings' | 'thawed' | 'lift'>

export interface Call {
  readonly cloud: AzureCloud
  readonly path: ResourcePath
  readonly body: Body
  readonly faults: Hazards
  /** What a GET of another path would answer. */
  read(path: string): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  /** What was promised: its addresses go into the headers. */
  readonly operation?: AsyncOperation
  /** Seconds after which to ask about it. */
  readonly retryAfterS?: number
}

export type Operation = (call: Call) => Promise<Answer>

/** The server that the path names. @throws AzureError ResourceNotFound. */
export function findServer({ cloud, path }: Pick<Call, 'cloud' | 'path'>): AzureServer {
  const found = serverAt(cloud.state, path)
  if (found) return found
  const type = typeOf()
  throw new AzureError(
    'ResourceNotFound',
    `The Resource '${type}/${path.server}' under resource group '${path.resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  )
}

/** The same for a resource below a server that is to be written. @throws AzureError ParentResourceNotFound. */
export function findParent({ cloud, path }: Pick<Call, 'cloud' | 'path'>, collection: string): AzureServer {
  const found = serverAt(cloud.state, path)
  if (found) return found
  throw new AzureError(
    'ParentResourceNotFound',
    `Failed to perform 'write' on resource(s) of type 'flexibleServers/${collection}', because the parent resource '/subscriptions/${path.subscription}/resourceGroups/${path.resourceGroup}/providers/${typeOf()}/${path.server}' could not be found.`,
  )
}

export function serverAt(
  state: AzureState,
  path: Pick<ResourcePath, 'server' | 'resourceGroup' | 'subscription'>,
): AzureServer | undefined {
  const server = path.server === null ? undefined : own(state.servers, serverKey(path.server))
  const same = (mine: string, asked: string | null): boolean => mine.toLowerCase() === asked?.toLowerCase()
  if (!server || !same(server.subscription, path.subscription)) return undefined
  return same(server.resourceGroup, path.resourceGroup) ? server : undefined
}

/** The server that a new one is to be made out of. @throws AzureError when there is none, or not yet. */
export function sourceOf({ body, cloud }: Call): AzureServer {
  const id = parseServerId(body.text('properties.sourceServerResourceId') ?? '')
  if (!id) throw invalidParameter('sourceServerResourceId')
  const { subscription, resourceGroup, name } = id
  const source = serverAt(cloud.state, { subscription, resourceGroup, server: name })
  if (!source) {
    throw new AzureError('ResourceNotFound', `The source server '${name}' under resource group '${resourceGroup}' was not found.`)
  }
  if (source.createdAt !== null && source.state !== 'Dropping') return source
  throw new AzureError('ServerIsNotReady', `The source server '${source.name}' is in the state ${source.state}.`)
}

export function childNotFound(server: AzureServer, collection: string, name: string): AzureError {
  return new AzureError(
    'ResourceNotFound',
    `The requested resource of type '${typeOf(collection)}' with name '${name}' was not found. Resource '${serverId(server, collection, name)}'.`,
  )
}

/** Whether something is under way for a server, although it may look ready. What the lab does by itself is done beside it. */
export function isBusy(call: Call, server: AzureServer): boolean {
  const now = Date.now()
  const underWay = server.tasks.some(({ operation, kind }) => operation !== null || kind !== 'back-up')
  if (underWay || isSwapped(call.cloud.state, server) || (server.busyUntil !== null && now < Date.parse(server.busyUntil)))
    return true
  return call.faults.keepsBusy({ ...(server.readyAt !== null && { availableAt: server.readyAt }) })
}

/** Whether a replica is about to take its role. */
export function isSwapped({ servers }: AzureState, { name }: AzureServer): boolean {
  const key = serverKey(name)
  return Object.values(servers).some(({ tasks }) => tasks.some((task) => task.kind === 'switch-over' && task.primary === key))
}

/** Whether a replica takes its role by force: it may not write any more. */
export function isSeized({ servers }: AzureState, { name }: AzureServer): boolean {
  const key = serverKey(name)
  return Object.values(servers).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'switch-over' && task.seized === true && task.primary === key),
  )
}

/** What another server is being restored from, or made to follow, stays until that is done. @throws AzureError ServerIsBusy. */
export function refuseWhileCopied({ cloud }: Call, server: AzureServer): void {
  const key = serverKey(server.name)
  const copied = Object.values(cloud.state.servers).some(({ tasks }) =>
    tasks.some((task) => (task.kind === 'restore' || task.kind === 'replicate') && serverKey(task.source) === key),
  )
  if (copied) throw busy(server.name)
}

/** A server takes one change at a time, and only in certain states. @throws AzureError ServerIsBusy, ServerIsNotReady. */
export function requireState(call: Call, server: AzureServer, ...states: AzureServer['state'][]): void {
  if (isBusy(call, server)) throw busy(server.name)
  if (states.includes(server.state)) return
  throw new AzureError(
    'ServerIsNotReady',
    `Operation can only be performed on servers in the state ${states.join(' or ')}. Server Name = ${server.name}, Current Server State = ${server.state}`,
  )
}

/** What only PostgreSQL itself knows. @throws AzureError ServerIsNotReady, GatewayTimeout when it does not answer. */
export async function asked<Result>(
  { cloud }: Call,
  server: AzureServer,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const down = (): AzureError =>
    new AzureError(
      'ServerIsNotReady',
      `Operation can only be performed on Started servers. Server Name = ${server.name}, Current Server State = ${server.state}`,
    )
  if (!isReachable(server) || cloud.servers.isDown(server.folder)) throw down()
  try {
    return await cloud.servers.administer(specOf(cloud, server), use)
  } catch (error) {
    if (cloud.afflictions.isFrozen(serverKey(server.name))) {
      throw new AzureError('GatewayTimeout', 'The gateway did not receive a response from the resource provider in time.')
    }
    throw cloud.servers.isDown(server.folder) ? down() : error
  }
}

/** Takes an address for a new server. */
export function takeHost(cloud: AzureCloud): number {
  const host = cloud.addresses.take()
  if (host === undefined) throw new AzureError('QuotaExceeded', 'Every address of this lab is taken.')
  return host
}

/** What Azure knows, and which of it this lab has. */
export function parseVersion(cloud: AzureCloud, wanted: string | undefined): { major: PostgresMajor; engineVersion: string } {
  const majors = [17, 15] as const
  const major = wanted === undefined ? majors[0] : majors.find((candidate) => String(candidate) === wanted)
  if (major === undefined) throw invalidParameter('version', `This lab has ${majors.join(' and ')}.`)
  return { major, engineVersion: cloud.versions[major] }
}

/** The server that it should be, as of now. */
export function specOf(cloud: AzureCloud, server: AzureServer): ServerSpec {
  const target = serverKey(server.name)
  const primary = server.replicaOf === null ? undefined : cloud.state.servers[server.replicaOf]
  return {
    folder: server.folder,
    major: server.major,
    address: cloud.addresses.textOf(server.host),
    settings: { ...serverSettings(server, { full: cloud.afflictions.isFull(target) }), ...cloud.afflictions.settings(target) },
    networks: cloud.afflictions.isCut(target) ? [] : allowedNetworks(server),
    archive: server.archive,
    tls: requiresTls(server) ? 'required' : 'offered',
    aliases: aliasesOf(cloud, server),
    replicaOf: primary && { folder: primary.folder, address: cloud.addresses.textOf(primary.host) },
  }
}

/** The addresses of its virtual endpoints: whichever role it has, its certificate is good for them. */
function aliasesOf({ state, addresses }: AzureCloud, server: AzureServer): string[] {
  const hosts = endpointsOf(state, server).flatMap(({ writerHost, readerHost }) => [writerHost, readerHost])
  return hosts.map((host) => addresses.textOf(host))
}

/** Whether it has an address that leads somewhere. */
export function isReachable({ createdAt, state }: AzureServer): boolean {
  return createdAt !== null && state !== 'Provisioning'
}
