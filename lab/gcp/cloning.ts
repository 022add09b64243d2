/** Makes an instance of another one: as it was at a moment that its archive holds, or as it is now. */
import { atLeast } from '../profile'
import type { Outcome } from '../tasks'
import { archiveOf, specOf } from './cloud'
import { logKeptSince } from './retention'
import type { BackupRecord, GcpState, SqlInstance } from './state'
import { beginAnew, closed, lasts, type TaskOf, type Work } from './work'

export async function performClone(work: Work, task: TaskOf<'clone'>): Promise<Outcome> {
  const { cloud, instance } = work
  const source = cloud.state.instances[task.source]
  if (!source) throw new Error(`The instance ${task.source} is gone.`)
  await beginAnew(cloud, instance)
  const made = task.at === null ? copyNow(work, source, task.snapshot) : rollForward(work, source, task.at)
  await atLeast(made, lasts(work, 'restoreMs'))
  return () => {
    instance.madeAt = new Date().toISOString()
    instance.tasks.unshift({ kind: 'settle', operation: task.operation })
  }
}

async function copyNow({ cloud, instance, signal }: Work, source: SqlInstance, snapshot: string): Promise<void> {
  const { servers } = cloud
  await servers.snapshot(specOf(cloud, source), snapshot, signal)
  await servers.restore(closed(cloud, instance), snapshot, signal)
  await servers.removeSnapshot(snapshot)
}

async function rollForward({ cloud, instance, signal }: Work, source: SqlInstance, at: string): Promise<void> {
  const { servers, state, afflictions } = cloud
  const archive = archiveOf(source, source.settings)
  const backup = archive === undefined ? undefined : backupBefore(Object.values(state.backups), archive, at)
  if (archive === undefined || !backup) throw new Error(`No backup of ${source.name} was taken before ${at}.`)
  // one that is down is recovered from what it has archived
  if (!servers.isDown(source.folder) && !afflictions.isFrozen(source.name)) {
    await servers.archiveUpToNow(specOf(cloud, source), signal)
  }
  await servers.restoreToTime(closed(cloud, instance), { backup: backup.folder, archive, target: at, signal })
}

/** The newest that can be rolled forward to a moment: the shortest way. */
export function backupBefore(backups: readonly BackupRecord[], archive: string, at: string): BackupRecord | undefined {
  return backups
    .filter((backup) => backup.archive === archive && backup.state === 'SUCCESSFUL' && (backup.recoverableFrom ?? at) <= at)
    .sort((a, b) => ((a.recoverableFrom ?? '') < (b.recoverableFrom ?? '') ? 1 : -1))[0]
}

/** From when on an instance can be recovered; undefined when it cannot. */
export function recoverableFrom({ backups }: GcpState, instance: SqlInstance): string | undefined {
  const archive = archiveOf(instance, instance.settings)
  const moments = Object.values(backups).flatMap((backup) =>
    archive !== undefined && backup.archive === archive && backup.state === 'SUCCESSFUL' && backup.recoverableFrom !== null
      ? [backup.recoverableFrom]
      : [],
  )
  const [oldest] = moments.sort()
  const kept = logKeptSince(instance)
  return oldest === undefined || oldest > kept ? oldest : kept
}
