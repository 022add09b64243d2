/** Takes a backup: a physical copy of the running server. */
import { atLeast } from '../profile'
import type { Outcome } from '../tasks'
import { archiveOf, type GcpCloud, specOf } from './cloud'
import { addBackup } from './new-backup'
import { retire } from './retention'
import type { Settings } from './settings'
import { lasts, type TaskOf, type Work } from './work'

export async function performBackUp(work: Work, task: TaskOf<'back-up'>): Promise<Outcome> {
  const { cloud, instance, signal } = work
  const backup = cloud.state.backups[task.backup]
  if (!backup) throw new Error(`The backup ${task.backup} is gone.`)
  backup.state = 'RUNNING'
  backup.startedAt = new Date().toISOString()
  await cloud.save()
  const taken = cloud.servers.snapshot(specOf(cloud, instance), backup.folder, signal)
  const { startedAt, endedAt } = await atLeast(taken, lasts(work, 'snapshotMs'))
  return () => {
    Object.assign(backup, { state: 'SUCCESSFUL', startedAt, endedAt })
    backup.archive = archiveOf(instance, instance.settings) ?? null
    backup.recoverableFrom = endedAt
    if (backup.type !== 'AUTOMATED') return
    // in the background: what cannot go now goes after the next one
    void retire(cloud, instance).catch((error) => cloud.log(`old backups of ${instance.name} stay: ${error}`))
  }
}

/** Whoever can be recovered to a point in time has a backup to begin with, from the start of its archive. Safe to repeat. */
export async function backUpFirst(work: Work, settings: Settings): Promise<void> {
  const { cloud, instance } = work
  const archive = archiveOf(instance, settings)
  const backups = Object.values(cloud.state.backups)
  if (archive === undefined || backups.some((backup) => backup.archive === archive)) return
  const begun = backups.find(
    ({ type, state, instanceCreatedAt, instance: name }) =>
      type === 'AUTOMATED' && name === instance.name && instanceCreatedAt === instance.createdAt && state === 'RUNNING',
  )
  const backup = begun ?? addBackup(cloud, instance, { type: 'AUTOMATED', description: '', expiresAt: null })
  const taken = await performBackUp(work, { kind: 'back-up', operation: null, backup: backup.uid })
  taken()
  backup.archive = archive
  await cloud.save()
}

/** Changes the state, and leaves it to the caller to write it down. */
export function failBackup(cloud: GcpCloud, uid: string): void {
  const backup = cloud.state.backups[uid]
  if (!backup || backup.state === 'SUCCESSFUL') return
  backup.state = 'FAILED'
  backup.endedAt = new Date().toISOString()
  backup.error = { code: 'INTERNAL_ERROR', message: 'An internal error has occurred.' }
}

/** The log that some backups could be rolled forward with is gone. Changes the state, and leaves it to the caller to write it down. */
export function loseArchive(cloud: GcpCloud, archive: string): void {
  for (const backup of Object.values(cloud.state.backups)) if (backup.archive === archive) backup.archive = null
}
