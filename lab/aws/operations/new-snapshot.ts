/** The record of a snapshot that is to be taken. */
import { snapshotOf } from '../backups'
import type { AwsCloud } from '../cloud'
import { AwsError } from '../errors'
import { requireRoom } from '../quotas'
import { type AwsState, type DbInstance, key, type Tags } from '../state'

/** @returns its key. @throws AwsError DBSnapshotAlreadyExists, SnapshotQuotaExceeded. */
export function addSnapshot(cloud: AwsCloud, instance: DbInstance, id: string, tags: Tags): string {
  const name = requireNewSnapshot(cloud.state, instance.region, id)
  cloud.state.snapshots[name] = {
    ...snapshotOf(instance, id),
    tags: { ...(instance.copyTagsToSnapshot ? instance.tags : {}), ...tags },
  }
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
