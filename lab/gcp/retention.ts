/** What is not kept any longer: automated backups beyond the number that an instance keeps, and its log of more days ago than it keeps. Backups
 *  that somebody asked for stay. Source: reference of `BackupConfiguration`. */
import { isBeingRestored, isOf } from './backup-use'
import { archiveOf, type GcpCloud } from './cloud'
import type { BackupRecord, GcpState, SqlInstance } from './state'

const DAY_MS = 86_400_000

/** From when on the log is kept. */
export function logKeptSince({ settings }: SqlInstance, now = Date.now()): string {
  return new Date(now - settings.backupConfiguration.transactionLogRetentionDays * DAY_MS).toISOString()
}

/** After a new automated backup. What is being read stays until the next time. */
export async function retire(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  const { state } = cloud
  // a clone may be on its way from any of them
  if (isBeingCloned(state, instance)) return
  const { retainedBackups } = instance.settings.backupConfiguration.backupRetentionSettings
  const complete = ofInstance(state, instance).filter((backup) => backup.state === 'SUCCESSFUL' && backup.tasks.length === 0)
  const automated = complete.filter(({ type }) => type === 'AUTOMATED')
  loseOldLog(state, instance)
  await discardBackups(
    cloud,
    automated.slice(0, Math.max(0, automated.length - retainedBackups)).filter((backup) => !isBeingRestored(state, backup)),
  )
  const archive = archiveOf(instance, instance.settings)
  if (archive === undefined) return
  const left = Object.values(state.backups).flatMap((backup) => (backup.archive === archive ? [backup.folder] : []))
  await cloud.servers.pruneArchive(archive, left)
}

/** Written down before anything is gone. */
export async function discardBackups(cloud: GcpCloud, backups: readonly BackupRecord[]): Promise<void> {
  for (const backup of backups) {
    backup.tasks.push({ kind: 'remove', operation: null, before: backup.state })
    backup.state = 'DELETING'
  }
  await cloud.save()
  for (const backup of backups) cloud.removals.wake(backup)
}

/** A moment that can be recovered to is reached from a backup before it: of those before the log that is kept, the newest stays. */
function loseOldLog(state: GcpState, instance: SqlInstance): void {
  const since = logKeptSince(instance)
  const old = ofInstance(state, instance).filter(
    ({ archive, recoverableFrom }) => archive !== null && recoverableFrom !== null && recoverableFrom < since,
  )
  for (const backup of old.slice(0, -1)) backup.archive = null
}

function isBeingCloned({ instances }: GcpState, { name }: SqlInstance): boolean {
  return Object.values(instances).some(({ tasks }) => tasks.some((task) => task.kind === 'clone' && task.source === name))
}

/** Oldest first. */
function ofInstance({ backups }: GcpState, instance: SqlInstance): BackupRecord[] {
  return Object.values(backups)
    .filter((backup) => isOf(backup, instance))
    .sort((a, b) => (a.enqueuedAt < b.enqueuedAt ? -1 : 1))
}
