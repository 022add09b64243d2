/** Azure's servers and backups → the port's words. States: `KnownServerState` of the SDK. */
import type { BackupAutomaticAndOnDemand, Server } from '@azure/arm-postgresql-flexible'
import type { InstanceDescription, ResourceState, SnapshotDescription, StorageDescription } from '../port'

const STATES: Readonly<Record<string, ResourceState>> = {
  Ready: 'ready',
  Stopped: 'stopped',
  Dropping: 'deleting',
  // The subscription does not pay, or the key of the storage is out of reach: nothing that passes.
  Disabled: 'failed',
  Inaccessible: 'failed',
}

const POSTGRES_PORT = 5432

export function serverDescription(raw: Server, port = POSTGRES_PORT): InstanceDescription {
  const cloudState = raw.state ?? 'unknown'
  const state = STATES[cloudState] ?? 'changing'
  const host = raw.fullyQualifiedDomainName
  const endpoint = host === undefined || host === '' ? null : { host, port }
  return {
    cloud: 'azure',
    // /subscriptions/<subscription>/resourceGroups/…
    account: raw.id?.split('/')[2]?.toLowerCase() ?? '',
    // Written as `West Europe` by some versions of the API.
    region: (raw.location ?? '').replaceAll(' ', '').toLowerCase(),
    name: raw.name ?? '',
    instanceId: instanceIdOf(raw),
    state: state === 'ready' && endpoint === null ? 'changing' : state,
    cloudState,
    endpoint,
    engineVersion: versionOf(raw),
    instanceClass: raw.sku?.name ?? '',
    storage: storageOf(raw),
    growsToGib: raw.storage?.autoGrow === 'Enabled' ? 0 : null,
    snapshots: snapshotsOf(raw),
    // There is no server without.
    automaticBackups: { taken: true, log: true },
    // Locks are another provider's resources; a locked server's removal is refused (ScopeLocked).
    deletionProtected: false,
    replicaOf: isReplica(raw) ? (raw.sourceServerResourceId?.split('/').at(-1) ?? '') : null,
    tags: raw.tags ?? {},
  }
}

/** A burstable server takes none on demand. Those of others are kept as long as its automatic ones, with the log that a restore needs. */
function snapshotsOf({ sku, backup }: Server): InstanceDescription['snapshots'] {
  if (sku?.tier === 'Burstable') return null
  const days = backup?.backupRetentionDays
  return { hoursMax: days === undefined ? null : days * 24, outliveInstance: false }
}

/** The path alone would be the same for another server of the name. */
export function instanceIdOf({ id = '', systemData }: Server): string {
  return `${id.toLowerCase()}@${systemData?.createdAt?.toISOString() ?? ''}`
}

export function nameIn(instanceId: string): string {
  return instanceId.split('@')[0]?.split('/').at(-1) ?? ''
}

export function isReplica({ replica, replicationRole }: Server): boolean {
  return (replica?.role ?? replicationRole ?? '').endsWith('AsyncReplica')
}

function versionOf({ version = '', minorVersion }: Server): string {
  return minorVersion === undefined ? version : `${version}.${minorVersion}`
}

/** Storage is always encrypted: with the service's own key, or the customer's. */
function storageOf({ storage, dataEncryption }: Server): StorageDescription {
  return { sizeGib: storage?.storageSizeGB ?? 0, encrypted: true, key: dataEncryption?.primaryKeyURI ?? null }
}

/** Automatic ones cannot be removed by anybody, and are the cloud's own. */
export function isOnDemand({ backupType }: BackupAutomaticAndOnDemand): boolean {
  return backupType === 'Customer On-Demand'
}

/** A backup says nothing of what it is of: that is its server's. `raw` null: begun, and not listed yet. */
export function backupDescription(server: Server, name: string, raw: BackupAutomaticAndOnDemand | null): SnapshotDescription {
  const completed = raw?.completedTime
  return {
    name,
    instance: server.name ?? '',
    instanceId: instanceIdOf(server),
    state: completed === undefined ? 'changing' : 'ready',
    cloudState: completed === undefined ? 'InProgress' : 'Completed',
    createdAt: completed?.toISOString() ?? null,
    engineVersion: versionOf(server),
    storage: storageOf(server),
    // It has no tags.
    owner: null,
  }
}
