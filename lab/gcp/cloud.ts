/** What every operation of simulated Cloud SQL works with: the memory, the servers, and small questions asked in many places. */
import { randomUUID } from 'node:crypto'
import type { PostgresMajor } from '../../pgserver/binaries'
import type { CloudGround } from '../cloud'
import type { Hazards } from '../faults/call-faults'
import type { Effects } from '../faults/effects'
import type { Past } from '../past'
import type { Catalogue } from '../postgres/catalogue'
import type { ServerSpec, Servers } from '../postgres/servers'
import type { Primary } from '../postgres/spec'
import type { TaskRunner } from '../tasks'
import { GcpError, inProgress, invalid, missing } from './errors'
import { serverSettings } from './flags'
import { openNetworks } from './networks'
import type { Json, Message } from './protocol/json'
import type { ApiRequest } from './protocol/request'
import type { Settings } from './settings'
import type { BackupRecord, GcpState, OperationRecord, SqlInstance, Task } from './state'

export interface GcpCloud extends CloudGround {
  readonly state: GcpState
  /** The one that calls bear. */
  readonly accessToken: string
  readonly servers: Servers
  /** Versions on offer, by major: the full version of the binaries. */
  readonly versions: Readonly<Record<PostgresMajor, string>>
  readonly tasks: TaskRunner<SqlInstance>
  readonly removals: TaskRunner<BackupRecord>
  /** What there was before, for those who are told nothing newer. */
  readonly past: Past<GcpState>
  readonly afflictions: Afflictions
  /** Up to when instances can be recovered. */
  readonly reach: Reaching
  catalogue(major: PostgresMajor): Promise<Catalogue>
}

/** What ordered faults do to instances now, by their names. */
export type Afflictions = Pick<Effects, 'isCut' | 'isFrozen' | 'isFull' | 'lingers' | 'settings' | 'thawed' | 'lift'>

export interface Reaching {
  /** `from`: what the archive begins with. */
  latest(instance: SqlInstance, log: { archive: string; from: string }): Promise<string>
}

export interface Call extends ApiRequest {
  readonly cloud: GcpCloud
  /** Of the version that it came by, as in '/v1/'. */
  readonly prefix: string
  readonly project: string
  readonly faults: Hazards
}

/** The fields of the answer. */
export type Operation = (call: Call) => Promise<Message>

/** A field's text; what is empty counts as absent, as it does in a protocol buffer. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** @throws GcpError instanceDoesNotExist. */
export function findInstance(call: Call, name = textOf(call.fields.instance) ?? ''): SqlInstance {
  const { instances } = call.cloud.state
  const instance = Object.hasOwn(instances, name) ? instances[name] : undefined
  if (!instance) throw new GcpError('instanceDoesNotExist', 'The Cloud SQL instance does not exist.')
  return instance
}

/** Whether an operation is under way for it, which lets nothing else begin. What it does by itself is waited for. */
export function isBusy({ state }: Pick<GcpCloud, 'state'>, { name }: SqlInstance): boolean {
  return Object.values(state.operations).some(({ status, locks }) => status !== 'DONE' && locks.includes(name))
}

/** @throws GcpError operationInProgress; instanceDoesNotExist when it went while the call was waiting for something. */
export function requireIdle(call: Call, instance: SqlInstance): void {
  if (findInstance(call, instance.name) !== instance) {
    throw new GcpError('instanceDoesNotExist', 'The Cloud SQL instance does not exist.')
  }
  if (isBusy(call.cloud, instance) || call.faults.keepsBusy(instance)) throw inProgress()
}

/** @throws GcpError invalid unless its PostgreSQL is there to be told something. */
export function requireRunning({ cloud }: Call, instance: SqlInstance): void {
  const { state, settings, name } = instance
  if (state === 'RUNNABLE' && settings.activationPolicy === 'ALWAYS' && !cloud.afflictions.isFull(name)) return
  throw invalid('Invalid request since instance is not running')
}

export interface Promised {
  readonly type: string
  readonly instance: string
  /** Instances that can take nothing else meanwhile, beside the one that it is about. */
  readonly locks?: readonly string[]
  readonly backup?: Pick<BackupRecord, 'runId' | 'uid'>
  readonly bySystem?: true
}

const OPERATIONS_KEPT = 1_000

/** Writes an operation down; the caller gives it a task, in the same breath. */
export function newOperation({ state }: GcpCloud, { type, instance, locks = [], backup, bySystem }: Promised): OperationRecord {
  const operation: OperationRecord = {
    name: randomUUID(),
    type,
    status: 'PENDING',
    instance,
    locks: [instance, ...locks],
    ...(bySystem && { bySystem }),
    insertedAt: new Date().toISOString(),
    startedAt: null,
    endedAt: null,
    errors: [],
    backup: backup ? { runId: backup.runId, uid: backup.uid } : null,
  }
  state.operations[operation.name] = operation
  const done = Object.values(state.operations).filter(({ status }) => status === 'DONE')
  for (const { name } of done.slice(0, Math.max(0, done.length - OPERATIONS_KEPT))) delete state.operations[name]
  return operation
}

type WithoutOperation<Kind> = Kind extends Task ? Omit<Kind, 'operation' | 'doom' | 'begun'> : never

/** Accepts a call: its operation and its task are written down, and begin. An ordered fault may have it end badly. */
export async function promise(
  call: Call,
  instance: SqlInstance,
  promised: Omit<Promised, 'instance'>,
  task: WithoutOperation<Task>,
): Promise<OperationRecord> {
  const { cloud } = call
  const operation = newOperation(cloud, { ...promised, instance: instance.name })
  const doom = call.faults.doom()
  instance.tasks.push({ ...task, operation: operation.name, ...(doom && { doom }) } as Task)
  await cloud.save()
  cloud.tasks.wake(instance)
  return operation
}

/** The server that an instance should be, as of now. */
export function specOf(cloud: GcpCloud, instance: SqlInstance, settings = instance.settings): ServerSpec {
  const networks = openNetworks(settings.ipConfiguration.authorizedNetworks)
  return {
    folder: instance.folder,
    major: instance.major,
    address: cloud.addresses.textOf(instance.host),
    settings: { ...serverSettings(settings.databaseFlags), ...cloud.afflictions.settings(instance.name) },
    networks: cloud.afflictions.isCut(instance.name) ? [] : networks,
    archive: archiveOf(instance, settings),
    replicaOf: primaryOf(cloud, instance),
    paused: isPaused(instance, settings),
    ...encryptionOf(instance, settings),
  }
}

/** Whether it follows nobody for now. */
export function isPaused({ master, settings: now }: SqlInstance, settings = now): boolean {
  return master !== null && settings.databaseReplicationEnabled === false
}

/** How customers' connections are encrypted, and by which certificates they are known. */
function encryptionOf(
  { sslCerts, sslResets }: SqlInstance,
  { ipConfiguration: { sslMode } }: Settings,
): Pick<ServerSpec, 'tls' | 'clientAuthorities' | 'certificateNumber'> {
  const certificateNumber = sslResets ?? 0
  if (sslMode !== 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED') {
    return { tls: sslMode === 'ENCRYPTED_ONLY' ? 'required' : 'offered', certificateNumber }
  }
  const clientAuthorities = Object.values(sslCerts ?? {}).map(({ authority }) => authority)
  return { tls: 'mutual', clientAuthorities, certificateNumber }
}

/** The server that a replica follows. */
export function primaryOf({ state, addresses }: GcpCloud, { master }: SqlInstance): Primary | undefined {
  const primary = master === null ? undefined : state.instances[master]
  return primary && { folder: primary.folder, address: addresses.textOf(primary.host) }
}

export function replicasOf({ state }: GcpCloud, { name }: SqlInstance): SqlInstance[] {
  return Object.values(state.instances).filter(({ master }) => master === name)
}

/** @throws GcpError errorReplicationMasterInvalidOperation for an instance that others follow. */
export function requireNoReplicas({ cloud }: Call, instance: SqlInstance): void {
  if (replicasOf(cloud, instance).length === 0) return
  throw new GcpError(
    'errorReplicationMasterInvalidOperation',
    'The requested operation is not valid for a replication master instance.',
  )
}

/** @throws GcpError errorReplicationSlaveInvalidOperation for a replica. */
export function requirePrimary({ master }: SqlInstance): void {
  if (master === null) return
  throw new GcpError(
    'errorReplicationSlaveInvalidOperation',
    'The requested operation is not valid for a replication slave instance.',
  )
}

/** Where its log is archived while it can be recovered to a point in time; gone with its data. */
export function archiveOf({ folder }: SqlInstance, settings: Settings): string | undefined {
  return settings.backupConfiguration.pointInTimeRecoveryEnabled ? folder : undefined
}

/** 'POSTGRES_17' → 17. @throws GcpError invalid for another engine, or a version that there is not. */
export function parseVersion(cloud: GcpCloud, wanted: string | undefined): { major: PostgresMajor; engineVersion: string } {
  if (wanted === undefined) throw missing('databaseVersion')
  for (const major of [17, 15] as const)
    if (wanted === `POSTGRES_${major}`) return { major, engineVersion: cloud.versions[major] }
  throw invalid(`Database version ${wanted} is not available; this lab has POSTGRES_15 and POSTGRES_17`)
}
