/** The record of a snapshot that is to be taken. */
import { newFolderName } from '../../postgres/servers'
import type { AwsCloud } from '../cloud'
import { AwsError } from '../errors'
import { requireRoom } from '../quotas'
import { type AwsState, type DbInstance, type DbSnapshot, key, type Tags } from '../state'

/** @returns its key. @throws AwsError DBSnapshotAlreadyExists, SnapshotQuotaExceeded. */
export function addSnapshot(cloud: AwsCloud, instance: DbInstance, id: string, tags: Tags): string {
  const name = requireNewSnapshot(cloud.state, instance.region, id)
  const snapshot: DbSnapshot = {
    region: instance.region,
    id,
    folder: newFolderName(),
    status: 'creating',
    major: instance.major,
    engineVersion: instance.engineVersion,
    instanceClass: instance.instanceClass,
    storageGib: instance.storageGib,
    storageType: instance.storageType,
    iops: instance.iops,
    throughput: instance.throughput,
    encrypted: instance.settings.encrypted,
    kmsKeyId: instance.settings.kmsKeyId,
    zone: instance.zone,
    masterUsername: instance.masterUsername,
    databaseName: instance.databaseName,
    backupRetentionDays: instance.backupRetentionDays,
    instanceId: instance.id,
    instanceResourceId: instance.resourceId,
    instanceCreatedAt: instance.createdAt,
    createdAt: null,
    originalCreatedAt: null,
    source: null,
    sharedWith: [],
    tags: { ...(instance.copyTagsToSnapshot ? instance.tags : {}), ...tags },
    tasks: [],
  }
  cloud.state.snapshots[name] = snapshot
  return name
}

/** @returns the key of a snapshot that may be made. @throws AwsError DBSnapshotAlreadyExists, SnapshotQuotaExceeded. */
export function requireNewSnapshot(state: AwsState, region: string, id: string): string {
  const name = key(region, id)
  if (state.snapshots[name]) {
    throw new AwsError(
      'DBSnapshotAlreadyExists',
      `Cannot create the snapshot because a snapshot with the identifier ${id} already exists.`,
    )
  }
  requireRoom(state, region, 'snapshots')
  return name
}
