/** What becomes of backups when instances go, and which of them are being read. */
import type { BackupRecord, GcpState, SqlInstance } from './state'

/** Whether the deletion of an instance takes the backup along: it is its own, no final one, and was not to be kept. */
export function goesWith(backup: BackupRecord, { name, createdAt, settings }: SqlInstance): boolean {
  if (!isOf(backup, { name, createdAt }) || backup.type === 'FINAL') return false
  return settings.retainBackupsOnDelete !== true
}

export function isOf(backup: BackupRecord, { name, createdAt }: Pick<SqlInstance, 'name' | 'createdAt'>): boolean {
  return backup.instance === name && backup.instanceCreatedAt === createdAt
}

/** Whether a restore reads it, or is about to. */
export function isBeingRestored({ instances }: GcpState, { uid }: BackupRecord): boolean {
  return Object.values(instances).some(({ tasks }) => tasks.some((task) => task.kind === 'restore' && task.backup === uid))
}

/** Whether the deletion of its instance is about to take it along. */
export function isGoing({ instances }: GcpState, backup: BackupRecord): boolean {
  const instance = instances[backup.instance]
  return instance !== undefined && instance.state === 'PENDING_DELETE' && goesWith(backup, instance)
}
