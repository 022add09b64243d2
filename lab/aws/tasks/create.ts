/** New servers: empty, or from a snapshot; then what follows before anybody may use them. */
import { specOf } from '../cloud'
import { note } from '../events'
import type { InstanceStatus } from '../state'
import { atLeast, beginAnew, lasts, type Performer, type Work } from './work'

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

/** Creating → backing-up (the first automated backup, when it keeps any) → available. */
function made({ instance }: Work): InstanceStatus {
  instance.createdAt = new Date().toISOString()
  instance.tasks.splice(1, 0, { kind: 'settle' })
  return instance.backupRetentionDays > 0 ? 'backing-up' : 'creating'
}

export const settle: Performer<'settle'> = async (work) => {
  const { cloud, instance } = work
  if (instance.status === 'backing-up') {
    note(cloud.state, 'db-instance', instance, 'backingUp')
    await lasts(work, 'firstBackupMs')
    note(cloud.state, 'db-instance', instance, 'backedUp')
  }
  // security groups may have changed while the server was being made
  await cloud.servers.configure(specOf(cloud, instance))
  return 'available'
}
