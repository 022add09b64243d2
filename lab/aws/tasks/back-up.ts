/** Snapshots of an instance that was asked for one. */

import type { Durations } from '../../profile'
import { atLeast } from '../../profile'
import { archiveUpToNow, doomArchive, prune } from '../backups'
import { keyOf, specOf } from '../cloud'
import { note } from '../events'
import { clusterOf } from '../following'
import { orphan } from '../replicas'
import { retain } from '../retained-backups'
import { nextWindow } from '../schedule'
import { type DbSnapshot, key } from '../state'
import { removeMember } from './join'
import { lasts, type Performer, show, type Work } from './work'

export const backUp: Performer<'back-up'> = async (work, task) => {
  const snapshot = work.cloud.state.snapshots[task.snapshot]
  if (snapshot?.status === 'creating') {
    await show(work, 'backing-up')
    await takeSnapshot(work, snapshot)
  }
  return 'available'
}

export async function takeSnapshot(work: Work, snapshot: DbSnapshot, time: keyof Durations = 'snapshotMs'): Promise<void> {
  const { cloud, instance, signal } = work
  const manual = snapshot.type === 'manual'
  if (manual) note(cloud.state, 'db-snapshot', snapshot, 'snapshotStarted')
  note(cloud.state, 'db-instance', instance, 'backingUp')
  const taken = cloud.servers.snapshot(specOf(cloud, instance), snapshot.folder, signal)
  const { startedAt, endedAt } = await atLeast(taken, lasts(work, time, key(snapshot.region, snapshot.id)))
  Object.assign(snapshot, { status: 'available', createdAt: startedAt, originalCreatedAt: startedAt, endedAt })
  if (manual) note(cloud.state, 'db-snapshot', snapshot, 'snapshotCreated')
  note(cloud.state, 'db-instance', instance, 'backedUp')
  if (manual) return
  instance.nextBackupAt = nextWindow(instance.settings.backupWindow)
  await archiveUpToNow(cloud, { keeper: instance, spec: specOf(cloud, instance) }, signal)
  await prune(cloud, instance)
  await cloud.sweepDoomed()
}

export const remove: Performer<'delete'> = async (work, task) => {
  const { cloud, instance } = work
  const cluster = clusterOf(cloud.state, instance)
  if (cluster) return removeMember(work, cluster)
  const final = task.finalSnapshot === null ? undefined : cloud.state.snapshots[task.finalSnapshot]
  if (final?.status === 'creating') {
    // it may have been stopped: the copy is taken of a running server
    await cloud.servers.ensureRunning(specOf(cloud, instance))
    await takeSnapshot(work, final)
    await cloud.save()
  }
  if (task.keepBackups && instance.restorable !== null && !cloud.servers.isDown(instance.folder)) {
    await archiveUpToNow(cloud, { keeper: instance, spec: specOf(cloud, instance) }, work.signal)
  }
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(instance.folder, specOf(cloud, instance))
  const replicas = orphan(cloud.state, instance)
  delete cloud.state.instances[keyOf(instance)]
  const retained = task.keepBackups && retain(cloud.state, instance)
  if (!retained && instance.archive !== null) doomArchive(cloud.state, instance.archive)
  note(cloud.state, 'db-instance', instance, 'deleted')
  await cloud.save()
  for (const replica of replicas) cloud.tasks.wake(replica)
  await cloud.sweepDoomed()
  return 'deleting'
}
