/** The record of a snapshot that is to be taken. */
import { newFolderName } from '../../postgres/servers'
import type { AwsCloud } from '../cloud'
import { AwsError } from '../errors'
import { type DbInstance, type DbSnapshot, key, type Tags } from '../state'

/** @throws AwsError DBSnapshotAlreadyExists, SnapshotQuotaExceeded. */
export function addSnapshot(cloud: AwsCloud, instance: DbInstance, id: string, tags: Tags): string {
  const { snapshots } = cloud.state
  const name = key(instance.region, id)
  if (snapshots[name])
    throw new AwsError(
      'DBSnapshotAlreadyExists',
      `Cannot create the snapshot because a snapshot with the identifier ${id} already exists.`,
    )
  if (Object.values(snapshots).filter(({ region }) => region === instance.region).length >= 100) {
    throw new AwsError('SnapshotQuotaExceeded', 'Cannot create more than 100 manual snapshots')
  }
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
    masterUsername: instance.masterUsername,
    databaseName: instance.databaseName,
    backupRetentionDays: instance.backupRetentionDays,
    instanceId: instance.id,
    instanceResourceId: instance.resourceId,
    instanceCreatedAt: instance.createdAt,
    createdAt: null,
    tags: { ...(instance.copyTagsToSnapshot ? instance.tags : {}), ...tags },
  }
  snapshots[name] = snapshot
  return name
}
