/** Carries out a change of settings: starts, stops, restarts or tells the server, whichever the change needs. New settings count once they
 *  hold; a server that does not start with them goes back to the old ones. */
import type { Outcome } from '../tasks'
import { backUpFirst, loseArchive } from './backing-up'
import { archiveOf, specOf } from './cloud'
import { needRestart } from './flags'
import type { Settings } from './settings'
import { atLeast, lasts, type TaskOf, type Work } from './work'

export async function performUpdate(work: Work, { settings, drReplica }: TaskOf<'update'>): Promise<Outcome> {
  const { cloud, instance } = work
  const before = instance.settings
  try {
    await atLeast(apply(work, settings), lasts(work, 'modifyMs'))
    await settleArchive(work, settings)
  } catch (error) {
    if (!work.signal.aborted && cloud.servers.isDown(instance.folder)) await bringBack(work, before)
    throw error
  }
  return () => {
    instance.settings = settings
    instance.drReplica = drReplica
    instance.settingsVersion += 1
  }
}

async function apply(work: Work, settings: Settings): Promise<void> {
  const { cloud, instance } = work
  const { servers, afflictions } = cloud
  const spec = specOf(cloud, instance, settings)
  // there is no server to tell; what was changed counts from its next start
  if (instance.madeAt === null) return
  if (settings.activationPolicy === 'NEVER') return await servers.halt(instance.folder)
  if (afflictions.isFull(instance.name)) {
    if (BigInt(settings.dataDiskSizeGb) <= BigInt(instance.settings.dataDiskSizeGb)) return
    await afflictions.lift('fill-disk', instance.name)
  }
  if (instance.settings.activationPolicy === 'NEVER') return await servers.ensureRunning(spec)
  const catalogue = await cloud.catalogue(instance.major)
  const archive = archiveOf(instance, settings) !== archiveOf(instance, instance.settings)
  const machine = settings.tier !== instance.settings.tier || settings.edition !== instance.settings.edition
  if (archive || machine || needRestart(catalogue, instance.settings.databaseFlags, settings.databaseFlags))
    return await servers.restart(spec)
  await servers.configure(spec)
}

/** Who begins to archive takes a backup to recover from; who ends keeps no log. */
async function settleArchive(work: Work, settings: Settings): Promise<void> {
  const { cloud, instance } = work
  if (settings.activationPolicy === 'NEVER') return
  if (archiveOf(instance, settings) !== undefined) return await backUpFirst(work, settings)
  if (archiveOf(instance, instance.settings) === undefined) return
  loseArchive(cloud, instance.folder)
  await cloud.servers.removeArchive(instance.folder)
}

/** What it had before lets it start: it did so then. */
async function bringBack(work: Work, before: Settings): Promise<void> {
  const { cloud, instance } = work
  if (before.activationPolicy === 'NEVER') return
  await cloud.servers
    .ensureRunning(specOf(cloud, instance, before))
    .catch((error) => cloud.log(`${instance.name} does not start with its settings of before: ${error}`))
}
