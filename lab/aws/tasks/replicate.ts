/** Read replicas: made from their source while it goes on, and made servers of their own. */

import { newFolderName } from '../../postgres/servers'
import { atLeast } from '../../profile'
import { addAutomatedSnapshot } from '../backups'
import { specOf } from '../cloud'
import { note } from '../events'
import { sourceOf } from '../following'
import { beginAnew, lasts, type Performer, show } from './work'

export const replicate: Performer<'replicate'> = async (work) => {
  const { cloud, instance, signal } = work
  const source = sourceOf(cloud.state, instance)
  if (!source) throw new Error(`The source of ${instance.id} is gone.`)
  await beginAnew(work)
  const made = cloud.servers.createReplica(specOf(cloud, instance), specOf(cloud, source), signal)
  await atLeast(made, lasts(work, 'restoreMs'))
  instance.createdAt = new Date().toISOString()
  instance.follows = true
  instance.tasks.splice(1, 0, { kind: 'settle', snapshot: null })
  note(cloud.state, 'db-instance', instance, 'created')
  return 'creating'
}

/** What it had replayed stays; from here on it has an archive and backups of its own, if it keeps any. */
export const promote: Performer<'promote'> = async (work, { retentionDays }) => {
  const { cloud, instance } = work
  await show(work, 'modifying')
  await cloud.servers.ensureRunning(specOf(cloud, instance))
  await atLeast(cloud.servers.promote(specOf(cloud, instance)), lasts(work, 'modifyMs'))
  if (instance.replicaOf !== null) {
    instance.replicaOf = null
    delete instance.follows
    instance.backupRetentionDays = retentionDays
    instance.archive = retentionDays > 0 ? newFolderName() : null
    note(cloud.state, 'db-instance', instance, 'promoted')
  }
  await show(work, 'rebooting')
  await cloud.servers.restart(specOf(cloud, instance))
  note(cloud.state, 'db-instance', instance, 'restarted')
  if (instance.archive === null) return 'available'
  instance.tasks.splice(1, 0, { kind: 'back-up', snapshot: addAutomatedSnapshot(cloud, instance) })
  return 'backing-up'
}
