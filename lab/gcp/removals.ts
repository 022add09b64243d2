/** Removes backups, each by a task of its own: a backup may outlive its instance. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../duration'
import { createTaskRunner, type TaskRunner } from '../tasks'
import type { GcpCloud } from './cloud'
import { endOperation, noteFailure, startOperation } from './operation-life'
import type { BackupRecord, BackupTask } from './state'

export function createRemovals(cloud: () => GcpCloud): TaskRunner<BackupRecord> {
  return createTaskRunner<BackupTask, BackupRecord>({
    async perform(backup, task, signal) {
      const { pace, servers, state } = cloud()
      await startOperation(cloud(), task.operation, () => pace.lasts('lagMs', backup.uid, signal))
      await pace.lasts('deleteMs', backup.uid, signal)
      if (task.doom) {
        if (task.doom.delayMs > 0) await sleep(Math.min(task.doom.delayMs, TIMER_MAX_MS), undefined, { signal })
        throw new Error(`ordered by the fault ${task.doom.fault}`)
      }
      await servers.removeSnapshot(backup.folder)
      await prune(cloud(), backup)
      return () => {
        delete state.backups[backup.uid]
        endOperation(cloud(), task.operation)
      }
    },
    async failed(backup, task, error) {
      cloud().log(`The backup ${backup.uid} was not removed: ${error}`)
      return () => {
        // as it was: its data may be there still
        backup.state = task.before
        noteFailure(cloud(), task.operation, 'An internal error has occurred.')
        endOperation(cloud(), task.operation)
      }
    },
    nameOf: ({ uid }) => uid,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

/** The log goes that only a removed backup could have been rolled forward with; what is left of it after a failure goes with the next. */
async function prune({ servers, state, log }: GcpCloud, removed: BackupRecord): Promise<void> {
  const { archive } = removed
  const left = Object.values(state.backups).filter((backup) => backup !== removed && backup.archive === archive)
  if (archive === null) return
  await servers
    .pruneArchive(
      archive,
      left.map(({ folder }) => folder),
    )
    .catch((error) => log(`The archive ${archive} was not pruned: ${error}`))
}
