/** To which moments a server can be restored: from its oldest complete backup that is still kept, until now. */
import { newFolderName } from '../postgres/servers'
import type { AzureServer, ServerBackup } from './state'

const DAY_MS = 86_400_000

export interface RestoreWindow {
  readonly earliest: string
}

/** Undefined before the first backup is complete. */
export function windowOf(server: AzureServer, now = Date.now()): RestoreWindow | undefined {
  const [oldest] = completeBackups(server)
  if (!oldest) return undefined
  const kept = keptSince(server, now)
  return { earliest: oldest.completedAt > kept ? oldest.completedAt : kept }
}

/** Backups from before that are of no use: every moment that can be restored to is reached from a later one. Undefined: there is none. */
export function neededSince(server: AzureServer, now = Date.now()): string | undefined {
  return backupBefore(server, keptSince(server, now))?.completedAt ?? undefined
}

function keptSince({ backup }: AzureServer, now: number): string {
  return new Date(now - backup.retentionDays * DAY_MS).toISOString()
}

/** The one to begin with for a moment; for null the newest. */
export function backupBefore(server: AzureServer, pointInTime: string | null): ServerBackup | undefined {
  return completeBackups(server).findLast(({ completedAt }) => pointInTime === null || completedAt <= pointInTime)
}

/** The record of an automatic backup that is to be taken. @returns its key. */
export function addAutomaticBackup({ backups }: AzureServer): string {
  const name = `backup_${Date.now()}00000`
  backups[name] = { name, folder: newFolderName(), kind: 'Full', completedAt: null }
  return name
}

/** When the last automatic one was complete; undefined before the first. */
export function lastAutomatic(server: AzureServer): string | undefined {
  return completeBackups(server).findLast(({ kind }) => kind === 'Full')?.completedAt
}

/** Oldest first, without those that are about to be deleted. */
function completeBackups({ backups, tasks }: AzureServer): (ServerBackup & { completedAt: string })[] {
  const doomed = new Set(tasks.flatMap((task) => (task.kind === 'delete-backup' ? [task.backup] : [])))
  return Object.entries(backups)
    .filter(([key]) => !doomed.has(key))
    .map(([, backup]) => backup)
    .filter((backup): backup is ServerBackup & { completedAt: string } => backup.completedAt !== null)
    .sort((a, b) => (a.completedAt < b.completedAt ? -1 : 1))
}
