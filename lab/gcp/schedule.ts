/** What is done at a time of its own: an automated backup each day, at the start of an instance's backup window, and the end of backups that
 *  were to be kept until then. Sources: "Cloud SQL backups overview", "Manage standard backups". */
import { nextDaily, Schedule } from '../schedule'
import { isBeingRestored, isOf } from './backup-use'
import { type GcpCloud, isBusy, newOperation } from './cloud'
import { addBackup } from './new-backup'
import { discardBackups } from './retention'
import type { BackupRecord, GcpState, SqlInstance } from './state'

export function instanceSchedule(state: GcpState, cloud: () => GcpCloud): Schedule<SqlInstance> {
  return new Schedule<SqlInstance>({
    all: () => Object.values(state.instances),
    at(instance) {
      // one that is full is to be given room, which would have to wait for the backup
      const { afflictions } = cloud()
      const able = !afflictions.isFull(instance.name) && !afflictions.isFrozen(instance.name)
      return able ? backUpAt(state, instance) : undefined
    },
    act: (instance) => backUp(cloud(), instance),
    log: (line) => cloud().log(line),
  })
}

export function backupSchedule(state: GcpState, cloud: () => GcpCloud): Schedule<BackupRecord> {
  return new Schedule<BackupRecord>({
    all: () => Object.values(state.backups),
    at(backup) {
      const { expiresAt, tasks } = backup
      const instance = state.instances[backup.instance]
      if (expiresAt === null || tasks.length > 0 || isBeingRestored(state, backup)) return undefined
      return instance && isBusy({ state }, instance) ? undefined : Date.parse(expiresAt)
    },
    act: (backup) => discardBackups(cloud(), [backup]),
    log: (line) => cloud().log(line),
  })
}

/** One that failed is not tried again before the next day. A stopped instance has none taken, nor has a replica. */
function backUpAt(state: GcpState, instance: SqlInstance): number | undefined {
  const { settings, master, madeAt, backupsSince } = instance
  if (!settings.backupConfiguration.enabled || settings.activationPolicy === 'NEVER') return undefined
  if (master !== null || madeAt === null || instance.state !== 'RUNNABLE') return undefined
  if (instance.tasks.length > 0 || isBusy({ state }, instance)) return undefined
  const taken = Object.values(state.backups).filter((backup) => backup.type === 'AUTOMATED' && isOf(backup, instance))
  const since = [madeAt, backupsSince ?? madeAt, ...taken.map(({ enqueuedAt }) => enqueuedAt)].sort().at(-1) ?? madeAt
  return nextDaily(settings.backupConfiguration.startTime, Date.parse(since))
}

/** It is an operation, and other ones have to wait for it, as in life. */
async function backUp(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  const backup = addBackup(cloud, instance, { type: 'AUTOMATED', description: '', expiresAt: null })
  const { name } = newOperation(cloud, { type: 'BACKUP_VOLUME', instance: instance.name, backup, bySystem: true })
  instance.tasks.push({ kind: 'back-up', backup: backup.uid, operation: name })
  await cloud.save()
  cloud.tasks.wake(instance)
}
