/** Takes a backup: a physical copy of the running server. */
import type { Outcome } from '../tasks'
import { type GcpCloud, specOf } from './cloud'
import { atLeast, lasts, type TaskOf, type Work } from './work'

export async function performBackUp(work: Work, task: TaskOf<'back-up'>): Promise<Outcome> {
  const { cloud, instance, signal } = work
  const backup = cloud.state.backups[task.backup]
  if (!backup) throw new Error(`The backup ${task.backup} is gone.`)
  backup.state = 'RUNNING'
  backup.startedAt = new Date().toISOString()
  await cloud.save()
  const taken = cloud.servers.snapshot(specOf(cloud, instance), backup.folder, signal)
  const { startedAt } = await atLeast(taken, lasts(work, 'snapshotMs'))
  return () => {
    backup.state = 'SUCCESSFUL'
    backup.startedAt = startedAt
    backup.endedAt = new Date().toISOString()
  }
}

/** Changes the state, and leaves it to the caller to write it down. */
export function failBackup(cloud: GcpCloud, uid: string): void {
  const backup = cloud.state.backups[uid]
  if (!backup || backup.state === 'SUCCESSFUL') return
  backup.state = 'FAILED'
  backup.endedAt = new Date().toISOString()
  backup.error = { code: 'INTERNAL_ERROR', message: 'An internal error has occurred.' }
}
