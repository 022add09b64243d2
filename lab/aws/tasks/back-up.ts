/** Snapshots of an instance that was asked for one. */
import { keyOf, specOf } from '../cloud'
import { note } from '../events'
import { type DbSnapshot, key } from '../state'
import { atLeast, lasts, type Performer, show, type Work } from './work'

export const backUp: Performer<'back-up'> = async (work, task) => {
  const snapshot = work.cloud.state.snapshots[task.snapshot]
  if (snapshot?.status === 'creating') {
    await show(work, 'backing-up')
    await takeSnapshot(work, snapshot)
  }
  return 'available'
}

export async function takeSnapshot(work: Work, snapshot: DbSnapshot): Promise<void> {
  const { cloud, instance, signal } = work
  note(cloud.state, 'db-snapshot', snapshot, 'snapshotStarted')
  note(cloud.state, 'db-instance', instance, 'backingUp')
  const taken = cloud.servers.snapshot(specOf(cloud, instance), snapshot.folder, signal)
  const { startedAt } = await atLeast(taken, lasts(work, 'snapshotMs', key(snapshot.region, snapshot.id)))
  Object.assign(snapshot, { status: 'available', createdAt: startedAt, originalCreatedAt: startedAt })
  note(cloud.state, 'db-snapshot', snapshot, 'snapshotCreated')
  note(cloud.state, 'db-instance', instance, 'backedUp')
}

export const remove: Performer<'delete'> = async (work, task) => {
  const { cloud, instance } = work
  const final = task.finalSnapshot === null ? undefined : cloud.state.snapshots[task.finalSnapshot]
  if (final?.status === 'creating') {
    // it may have been stopped: the copy is taken of a running server
    await cloud.servers.ensureRunning(specOf(cloud, instance))
    await takeSnapshot(work, final)
    await cloud.save()
  }
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(instance.folder)
  delete cloud.state.instances[keyOf(instance)]
  note(cloud.state, 'db-instance', instance, 'deleted')
  return 'deleting'
}
