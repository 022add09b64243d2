/** What no restore can need any more goes: after a new backup, and when one is deleted. A moment that can be restored to is reached from a
 *  backup before it, so of those that are older than they are kept the newest one stays. */
import type { AzureCloud } from '../cloud'
import { type AzureServer, type ServerBackup, serverKey } from '../state'
import { neededSince } from '../window'
import type { Work } from './work'

/** Safe to repeat. What cannot go stays until the next time: it must not keep the backup from being complete. */
export async function prune({ cloud, server }: Work): Promise<void> {
  // whoever restores from it reads its backups and its log
  if (isBeingRestored(cloud, server)) return
  try {
    for (const [key, backup] of outdated(server)) {
      delete server.backups[key]
      // written down first: what is swept away by a crash now is known to nobody
      await cloud.save()
      await cloud.servers.removeSnapshot(backup.folder)
    }
    const kept = Object.values(server.backups).map(({ folder }) => folder)
    await cloud.servers.pruneArchive(server.archive, kept)
  } catch (error) {
    cloud.log(`old backups of ${server.name} stay: ${error}`)
  }
}

function outdated(server: AzureServer): [string, ServerBackup][] {
  const since = neededSince(server)
  if (since === undefined) return []
  return Object.entries(server.backups).filter(([, { completedAt }]) => completedAt !== null && completedAt < since)
}

function isBeingRestored({ state }: AzureCloud, { name }: AzureServer): boolean {
  const key = serverKey(name)
  return Object.values(state.servers).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'restore' && serverKey(task.source) === key),
  )
}
