/** Cloud SQL's instances and backups → the port's words. An instance says RUNNABLE whatever is going on in it, also when it is stopped: what
 *  it was asked for, its operations, says more. */
import type { protos } from '@google-cloud/sql'
import { isTemporary, ownerOf } from '../owner'
import type { InstanceDescription, OperationDescription, ResourceState, SnapshotDescription } from '../port'
import type { Backup, Instance, Operation } from './client'
import { readDescription, tagsOfLabels } from './labels'

const STATES: Readonly<Record<string, ResourceState>> = {
  RUNNABLE: 'ready',
  ONLINE_MAINTENANCE: 'ready',
  SUSPENDED: 'failed',
  FAILED: 'failed',
  PENDING_DELETE: 'deleting',
}

const BACKUP_STATES: Readonly<Record<string, ResourceState>> = {
  SUCCESSFUL: 'ready',
  FAILED: 'failed',
  DELETING: 'deleting',
  // It is still there, and can be removed again.
  DELETION_FAILED: 'ready',
}

const POSTGRES_PORT = 5432

/** Of an instance that goes on being usable. */
const BESIDE = new Set(['BACKUP', 'BACKUP_VOLUME', 'CREATE_BACKUP', 'UPDATE_BACKUP', 'DELETE_BACKUP', 'EXPORT', 'LOG_CLEANUP'])

export function isUnfinished({ status }: Operation): boolean {
  return status !== 'DONE'
}

export function failureOf({ error }: Operation): string | null {
  const [first] = error?.errors ?? []
  return first ? `${first.code}: ${first.message}` : null
}

export function operationDescription(operation: Operation): OperationDescription {
  const message = failureOf(operation)
  if (isUnfinished(operation)) return { state: 'running', message: null }
  return message === null ? { state: 'done', message } : { state: 'failed', message }
}

/** `operations`: of this instance, newest first. */
export function instanceDescription(raw: Instance, operations: readonly Operation[], port = POSTGRES_PORT): InstanceDescription {
  const { settings } = raw
  const endpoint = endpointOf(raw, port)
  return {
    cloud: 'gcp',
    account: raw.project ?? '',
    region: raw.region ?? '',
    name: raw.name ?? '',
    instanceId: instanceIdOf(raw),
    state: stateOf(raw, operations, endpoint !== null),
    cloudState: String(raw.state ?? 'unknown'),
    endpoint,
    engineVersion: versionOf(raw.databaseInstalledVersion || String(raw.databaseVersion ?? '')),
    instanceClass: settings?.tier ?? '',
    storage: storageOf(raw),
    growsToGib: settings?.storageAutoResize?.value === true ? Number(settings.storageAutoResizeLimit?.value ?? 0) : null,
    snapshots: { hoursMax: null, outliveInstance: settings?.retainBackupsOnDelete?.value === true },
    automaticBackups: backupsOf(raw),
    deletionProtected: settings?.deletionProtectionEnabled?.value ?? false,
    // Named together with its project.
    replicaOf: raw.masterInstanceName?.split(':').at(-1) || null,
    tags: tagsOfLabels(settings?.userLabels),
  }
}

function backupsOf({ settings }: Instance): InstanceDescription['automaticBackups'] {
  const { enabled, pointInTimeRecoveryEnabled } = settings?.backupConfiguration ?? {}
  return { taken: enabled?.value === true, log: enabled?.value === true && pointInTimeRecoveryEnabled?.value === true }
}

function stateOf(raw: Instance, operations: readonly Operation[], reachable: boolean): ResourceState {
  const state = STATES[String(raw.state)] ?? 'changing'
  if (state !== 'ready') return state
  if (operations.some((operation) => isUnfinished(operation) && !BESIDE.has(String(operation.operationType)))) return 'changing'
  if (raw.settings?.activationPolicy === 'NEVER') return 'stopped'
  // A copy that was never filled. One that serves has what Google says of it: a restore in place that failed is long over, and no reason for anything.
  const restore = isTemporary(raw.name ?? '', tagsOfLabels(raw.settings?.userLabels)) ? lastRestore(operations) : undefined
  if (restore && failureOf(restore) !== null) return 'failed'
  return reachable ? 'ready' : 'changing'
}

/** The last attempt to bring a backup's data into the instance. */
export function lastRestore(operations: readonly Operation[]): Operation | undefined {
  return operations.find(({ operationType }) => operationType === 'RESTORE_VOLUME')
}

export function instanceIdOf({ project, region, name, createTime }: Instance): string {
  return idOf({ project: project ?? '', region: region ?? '', name: name ?? '', createdAt: instantOf(createTime) ?? '' })
}

/** The name alone would be the same for another instance of it. */
export function idOf({ project, region, name, createdAt }: Record<'project' | 'region' | 'name' | 'createdAt', string>): string {
  return `${project}:${region}:${name}@${createdAt}`
}

export function nameIn(instanceId: string): string {
  return instanceId.split('@')[0]?.split(':').at(-1) ?? ''
}

export function instantOf(time: protos.google.protobuf.ITimestamp | null | undefined): string | null {
  if (!time) return null
  return new Date(Number(time.seconds ?? 0) * 1_000 + Math.floor((time.nanos ?? 0) / 1_000_000)).toISOString()
}

/** `POSTGRES_17_5` → 17.5. */
function versionOf(version: string): string {
  return version.replace(/^POSTGRES_/, '').replace(/_/g, '.')
}

function endpointOf({ ipAddresses }: Instance, port: number): { host: string; port: number } | null {
  const addresses = ipAddresses ?? []
  const chosen = addresses.find(({ type }) => type === 'PRIVATE') ?? addresses.find(({ type }) => type === 'PRIMARY')
  return chosen?.ipAddress ? { host: chosen.ipAddress, port } : null
}

/** Disks are always encrypted: with Google's key, or the customer's. */
function storageOf({ settings, diskEncryptionConfiguration }: Instance): InstanceDescription['storage'] {
  return {
    sizeGib: Number(settings?.dataDiskSizeGb?.value ?? 0),
    encrypted: true,
    key: diskEncryptionConfiguration?.kmsKeyName || null,
  }
}

/** Null: one that nobody named, as an automatic one. The last one of an instance has Google's own name where nobody gave it another: people choose by
 *  a box whether it is taken. `setup`: of its instance; null: it is not told. */
export function backupDescription(
  raw: Backup,
  { instanceId, setup }: { instanceId: string; setup: Instance | null },
): SnapshotDescription | null {
  const described = readDescription(raw.description)
  const given = described?.name ?? raw.description ?? ''
  const name = given === '' && raw.type === 'FINAL' ? (raw.name?.split('/').at(-1) ?? '') : given
  if (name === '') return null
  const size = Number(setup?.settings?.dataDiskSizeGb?.value ?? 0)
  return {
    name,
    instance: raw.instance ?? '',
    instanceId,
    state: BACKUP_STATES[String(raw.state)] ?? 'changing',
    cloudState: String(raw.state ?? 'unknown'),
    createdAt: instantOf(raw.backupInterval?.startTime),
    engineVersion: versionOf(String(raw.databaseVersion ?? '')),
    storage: { sizeGib: size, encrypted: true, key: raw.kmsKey || null },
    owner: described === null ? null : ownerOf(described.tags),
  }
}
