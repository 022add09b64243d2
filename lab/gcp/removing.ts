/** Removes an instance, with a last backup when it was asked for. */
import type { Outcome } from '../tasks'
import { loseArchive, performBackUp } from './backing-up'
import { goesWith, isOf } from './backup-use'
import { type GcpCloud, primaryOf } from './cloud'
import { tendReplicas } from './keeping'
import type { BackupRecord, SqlInstance } from './state'
import { closed, lasts, type TaskOf, type Work } from './work'

export async function performRemove(work: Work, task: TaskOf<'delete'>): Promise<Outcome> {
  const { cloud, instance } = work
  const final = task.finalBackup === null ? undefined : cloud.state.backups[task.finalBackup]
  if (final && final.state !== 'SUCCESSFUL') await backUpLast(work, final)
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(instance.folder, { replicaOf: primaryOf(cloud, instance) })
  return () => {
    const primary = cloud.state.instances[instance.master ?? '']
    if (primary) {
      primary.settingsVersion += 1
      if (primary.drReplica === instance.name) primary.drReplica = null
      tendReplicas(cloud, primary)
    }
    delete cloud.state.instances[instance.name]
    loseArchive(cloud, instance.folder)
    forgetBackups(cloud, instance)
  }
}

/** A stopped instance is started for it, closed to everybody. */
async function backUpLast(work: Work, final: BackupRecord): Promise<void> {
  const { cloud, instance } = work
  await cloud.servers.ensureRunning(closed(cloud, instance))
  const taken = await performBackUp(work, { kind: 'back-up', operation: null, backup: final.uid })
  taken()
  await cloud.save()
}

/** Backups go with their instance unless they were to be kept; final ones always stay. All that stay say the same time of deletion: by that they are
 *  told from those of another instance of the name. Source: "Manage backups of a deleted instance". */
function forgetBackups(cloud: GcpCloud, instance: SqlInstance): void {
  const instanceDeletedAt = new Date().toISOString()
  for (const backup of Object.values(cloud.state.backups)) {
    if (!isOf(backup, instance)) continue
    backup.instanceDeletedAt = instanceDeletedAt
    if (!goesWith(backup, instance)) continue
    delete cloud.state.backups[backup.uid]
    void cloud.servers.removeSnapshot(backup.folder).catch((error) => cloud.log(`backup ${backup.uid}: ${error}`))
  }
}
