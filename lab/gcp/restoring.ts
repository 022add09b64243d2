/** Overwrites an instance, or makes one, with the data of a backup; its settings are its own. */

import { newFolderName } from '../postgres/servers'
import { atLeast } from '../profile'
import type { Outcome } from '../tasks'
import { loseArchive } from './backing-up'
import type { GcpCloud } from './cloud'
import type { SqlInstance } from './state'
import { closed, lasts, type TaskOf, type Work } from './work'

export async function performRestore(work: Work, task: TaskOf<'restore'>): Promise<Outcome> {
  const { cloud, instance, signal } = work
  const backup = cloud.state.backups[task.backup]
  if (!backup) throw new Error(`The backup ${task.backup} is gone.`)
  if (task.before !== '') await cloud.servers.halt(task.before)
  const attempt = instance.folder
  instance.folder = newFolderName()
  if (instance.madeAt !== null) instance.state = 'MAINTENANCE'
  await cloud.save()
  if (attempt !== task.before) await cloud.servers.remove(attempt)
  await atLeast(cloud.servers.restore(closed(cloud, instance), backup.folder, signal), lasts(work, 'restoreMs'))
  return () => {
    instance.madeAt ??= new Date().toISOString()
    instance.tasks.unshift({ kind: 'settle', operation: task.operation, replaced: task.before })
    loseArchive(cloud, task.before)
  }
}

/** Of data that no record speaks of any more: should it fail, the next lab sweeps them up. */
export function discard(cloud: GcpCloud, folder: string): void {
  void cloud.servers.remove(folder).catch((error) => cloud.log(`${folder}: ${error}`))
}

/** The data that were to be replaced are still there. Changes the state, and leaves it to the caller to write it down. */
export function failRestore(cloud: GcpCloud, instance: SqlInstance, task: TaskOf<'restore'>): void {
  if (instance.madeAt === null) {
    instance.state = 'FAILED'
    return
  }
  const attempt = instance.folder
  instance.folder = task.before
  instance.state = 'RUNNABLE'
  instance.tasks.unshift({ kind: 'recover', operation: task.operation })
  if (attempt !== task.before) discard(cloud, attempt)
}
