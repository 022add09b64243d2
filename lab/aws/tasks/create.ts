/** New servers: empty, or from a snapshot; then what follows before anybody may use them. */
import { atLeast } from '../../profile'
import { addAutomatedSnapshot, archiveUpToNow, dropSnapshot } from '../backups'
import { keyOf, specOf } from '../cloud'
import { note } from '../events'
import type { DbSnapshot, InstanceStatus } from '../state'
import { takeSnapshot } from './back-up'
import { beginAnew, lasts, type Performer, type Work } from './work'

export const create: Performer<'create'> = async (work, task) => {
  const { cloud, instance } = work
  await beginAnew(work)
  const master = { name: instance.masterUsername, verifier: task.verifier, database: instance.databaseName ?? 'postgres' }
  await atLeast(cloud.servers.create(specOf(cloud, instance), master), lasts(work, 'createMs'))
  note(cloud.state, 'db-instance', instance, 'created')
  return made(work)
}

export const restore: Performer<'restore'> = async (work, task) => {
  const { cloud, instance, signal } = work
  const snapshot = cloud.state.snapshots[task.snapshot]
  if (!snapshot) throw new Error(`The snapshot ${task.snapshot} is gone.`)
  await beginAnew(work)
  await atLeast(cloud.servers.restore(specOf(cloud, instance), snapshot.folder, signal), lasts(work, 'restoreMs'))
  note(cloud.state, 'db-instance', instance, 'restoredFromSnapshot', snapshot.id)
  return made(work)
}

export const restoreToTime: Performer<'restore-to-time'> = async (work, { backup, archive, target, source }) => {
  const { cloud, instance, signal } = work
  await archiveSource(work, archive)
  await beginAnew(work)
  const restored = cloud.servers.restoreToTime(specOf(cloud, instance), { backup, archive, target, signal })
  await atLeast(restored, lasts(work, 'restoreMs'))
  note(cloud.state, 'db-instance', instance, 'restoredToTime', source, instance.id)
  return made(work)
}

/** A source that still runs may have committed more than its archive holds. */
async function archiveSource({ cloud, signal }: Work, archive: string): Promise<void> {
  const source = Object.values(cloud.state.instances).find((one) => one.archive === archive)
  if (!source || cloud.servers.isDown(source.folder) || cloud.afflictions.isFrozen(keyOf(source))) return
  await archiveUpToNow(cloud, { keeper: source, spec: specOf(cloud, source) }, signal)
}

/** Creating → backing-up (the first automated backup, when it keeps any) → available. */
function made({ cloud, instance }: Work): InstanceStatus {
  instance.createdAt = new Date().toISOString()
  const keeps = instance.archive !== null
  instance.tasks.splice(1, 0, { kind: 'settle', snapshot: keeps ? addAutomatedSnapshot(cloud, instance) : null })
  return keeps ? 'backing-up' : 'creating'
}

export const settle: Performer<'settle'> = async (work, task) => {
  const { cloud, instance } = work
  const snapshot = task.snapshot === null ? undefined : cloud.state.snapshots[task.snapshot]
  if (snapshot?.status === 'creating') await takeFirstBackup(work, snapshot)
  // security groups may have changed while the server was being made
  await cloud.servers.configure(specOf(cloud, instance))
  await cloud.sweepDoomed()
  return 'available'
}

/** An instance without its first backup can be used; one whose server went away meanwhile is asked again. */
async function takeFirstBackup(work: Work, snapshot: DbSnapshot): Promise<void> {
  const { cloud, instance, signal } = work
  try {
    await takeSnapshot(work, snapshot, 'firstBackupMs')
  } catch (error) {
    if (signal.aborted || cloud.servers.isDown(instance.folder) || cloud.afflictions.isFrozen(keyOf(instance))) throw error
    cloud.log(`the first backup of ${instance.id} failed: ${error}`)
    if (snapshot.status === 'creating') dropSnapshot(cloud.state, snapshot)
  }
}
