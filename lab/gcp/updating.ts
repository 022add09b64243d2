/** Carries out a change of settings: starts, stops, restarts or tells the server, whichever the change needs. New settings count once they
 *  hold; a server that does not start with them goes back to the old ones. */
import { atLeast } from '../profile'
import type { Outcome } from '../tasks'
import { backUpFirst, loseArchive } from './backing-up'
import { archiveOf, specOf } from './cloud'
import { needRestart } from './flags'
import type { Settings } from './settings'
import { lasts, type TaskOf, type Work } from './work'

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
    if (beginsAnew(before, settings)) instance.backupsSince = new Date().toISOString()
    instance.settings = settings
    instance.drReplica = drReplica
    instance.settingsVersion += 1
  }
}

/** Whether its daily backups are counted from now on: one that was due before is not made up for. */
function beginsAnew(before: Settings, after: Settings): boolean {
  const [old, now] = [before.backupConfiguration, after.backupConfiguration]
  return old.enabled !== now.enabled || old.startTime !== now.startTime || before.activationPolicy !== after.activationPolicy
}

async function apply(work: Work, settings: Settings): Promise<void> {
  const { cloud, instance } = work
  const { servers, afflictions } = cloud
  const spec = specOf(cloud, instance, settings)
  // there is no server to tell; what was changed counts from its next start
  if (instance.madeAt === null) return
  if (settings.activationPolicy === 'NEVER')
    return await (afflictions.lingers(instance.name) ? servers.configure(spec) : servers.halt(instance.folder))
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
  if (archiveOf(instance, settings) !== undefined) {
    // one that is stopped takes it when it is started
    if (settings.activationPolicy !== 'NEVER') await backUpFirst(work, settings)
    return
  }
  if (archiveOf(instance, instance.settings) === undefined) return
  // also of one that is stopped: what it writes before it archives again is in no log, and no older backup may promise it
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
