/** Tasks that a server as a whole goes through. Each is safe to begin again. */

import { setTimeout as sleep } from 'node:timers/promises'
import { limitedTo } from '../../limit'
import { NotRestorableError } from '../../postgres/recovery'
import { newFolderName } from '../../postgres/servers'
import { makeSlot } from '../../postgres/slots'
import { atLeast } from '../../profile'
import { type AzureCloud, specOf } from '../cloud'
import { leaveEndpoints } from '../endpoints'
import { SETTINGS_QUESTION, type SettingRow } from '../parameters'
import { replicasOf } from '../replication'
import { type AzureServer, serverKey } from '../state'
import { addAutomaticBackup, backupBefore } from '../window'
import { becomeReady, configured, lasts, type Perform, type Work } from './work'

/** For so long a source that is away is waited for; also one that is stopped, started or made larger meanwhile. */
const SOURCE_TIMEOUT_MS = 5 * 60_000
const LOOK_EVERY_MS = 50

export const create: Perform<'create'> = async (work, { verifier }) => {
  const { cloud, server } = work
  await beginAnew(work)
  const spec = specOf(cloud, server)
  await atLeast(cloud.servers.create(spec, { name: server.login, verifier, database: 'postgres' }), lasts(work, 'createMs'))
  await cloud.parameters.learn(server.major, () =>
    cloud.servers.administer(spec, async (client) => (await client.query<SettingRow>(SETTINGS_QUESTION)).rows),
  )
  return () => {
    server.createdAt = new Date().toISOString()
    becomeReady(work, true)
    backUpSoon(work)
  }
}

/** The first automatic backup, without which nothing can be restored. */
export function backUpSoon({ server }: Work): void {
  server.tasks.splice(1, 0, { kind: 'back-up', backup: addAutomaticBackup(server), operation: null })
}

/** As of a moment, exact to the transaction. Its settings hold before its first start; nobody is let in. */
export const restore: Perform<'restore'> = async (work, { source: name, pointInTime }) => {
  const { cloud, server, signal } = work
  const source = cloud.state.servers[serverKey(name)]
  const backup = source && backupBefore(source, pointInTime)
  if (!source || !backup) throw new Error(`There is no backup of ${name} for that moment any more.`)
  await beginAnew(work)
  const ended = await archivedUntil(work, source)
  const point = { backup: backup.folder, archive: source.archive, target: pointInTime ?? 'latest', signal }
  const restored = cloud.servers.restoreToTime(specOf(cloud, server), point).catch((error) => {
    // nothing happened any more after a server was stopped
    if (!ended || !(error instanceof NotRestorableError)) throw error
    return cloud.servers.restoreToTime(specOf(cloud, server), { ...point, target: 'latest' })
  })
  await atLeast(restored, lasts(work, 'restoreMs'))
  return () => {
    server.createdAt = new Date().toISOString()
    becomeReady(work, true)
    backUpSoon(work)
  }
}

/** Has everything archived that the source committed until now. Whether it had ended before: one that was stopped has archived everything; one
 *  that crashed has not, and is waited for. @throws Error when it does not come back. */
async function archivedUntil({ cloud, signal }: Work, source: AzureServer): Promise<boolean> {
  const limited = limitedTo(SOURCE_TIMEOUT_MS, signal)
  for (;;) {
    await cloud.afflictions.thawed(serverKey(source.name), signal)
    if (source.state === 'Stopped') return true
    try {
      await cloud.servers.archiveUpToNow(specOf(cloud, source), limited)
      return false
    } catch (error) {
      if (limited.aborted || (source.state === 'Inaccessible' && source.tasks.length === 0)) throw error
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** A new folder for a new attempt, written down first, so that the sweep after a crash knows which one counts. */
export async function beginAnew({ cloud, server }: Work): Promise<void> {
  const before = server.folder
  server.folder = newFolderName()
  server.archive = server.folder
  await cloud.save()
  await cloud.servers.remove(before, { replicaOf: specOf(cloud, server).replicaOf })
}

export const update: Perform<'update'> = async (work, { change, verifier }) => {
  const { cloud, server } = work
  await lasts(work, 'modifyMs')
  if (verifier !== null) await cloud.servers.setPassword(specOf(cloud, server), server.login, verifier)
  if (change.network) server.network = change.network
  if (change.sku && change.sku.name !== server.sku.name) await restarted(work)
  else await configured(work)
  return () => {
    Object.assign(server, change)
    becomeReady(work)
  }
}

export const restart: Perform<'restart'> = async (work) => {
  await atLeast(restarted(work), lasts(work, 'rebootMs'))
  return () => becomeReady(work)
}

/** What waited for a start of the server takes effect. */
async function restarted(work: Work): Promise<void> {
  const { cloud, server } = work
  await takeConfigurations(work)
  await cloud.servers.restart(specOf(cloud, server))
  // network rules may have changed while it was away
  await configured(work)
}

export const start: Perform<'start'> = async (work) => {
  const { cloud, server } = work
  await takeConfigurations(work)
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, server)), lasts(work, 'rebootMs'))
  await configured(work)
  await keepReplicas(cloud, server)
  return () => becomeReady(work)
}

async function takeConfigurations({ cloud, server }: Work): Promise<void> {
  server.running = { ...server.configurations }
  await cloud.save()
}

export const stop: Perform<'stop'> = async (work) => {
  const { cloud, server } = work
  const lingers = cloud.afflictions.lingers(serverKey(server.name))
  await atLeast(lingers ? Promise.resolve() : cloud.servers.halt(server.folder), lasts(work, 'rebootMs'))
  return () => {
    server.state = 'Stopped'
    server.stoppedAt = new Date().toISOString()
    server.tasks = server.tasks.filter(({ kind }) => kind !== 'recover')
  }
}

/** Its backups go with it. The name is not given again for a while. */
export const remove: Perform<'delete'> = async (work) => {
  const { cloud, server } = work
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(server.folder, { replicaOf: specOf(cloud, server).replicaOf })
  for (const { folder } of Object.values(server.backups)) await cloud.servers.removeSnapshot(folder)
  const key = serverKey(server.name)
  const droppingMs = cloud.pace.durationMs('droppingMs', `azure/${key}`)
  return () => {
    delete cloud.state.servers[key]
    server.tasks = []
    leaveEndpoints(cloud.state, server)
    void cloud.endpoints.settle()
    for (const [name, until] of Object.entries(cloud.state.dropping)) {
      if (Date.parse(until) <= Date.now()) delete cloud.state.dropping[name]
    }
    if (droppingMs > 0) cloud.state.dropping[key] = new Date(Date.now() + droppingMs).toISOString()
  }
}

/** It keeps its log for its replicas, and not for those that were removed while it was away. */
export async function keepReplicas(cloud: AzureCloud, server: AzureServer): Promise<void> {
  if (server.replicaOf !== null) return
  const followers = replicasOf(cloud.state, server).filter(({ folder, outdated }) => folder !== '' && !outdated)
  await keepSlots(
    cloud,
    server,
    followers.map(({ folder }) => folder),
  )
}

/** For these folders, whether they run or not, and for no others. */
export async function keepSlots(cloud: AzureCloud, server: AzureServer, folders: readonly string[]): Promise<void> {
  const spec = specOf(cloud, server)
  await cloud.servers.keepReplicas(spec, folders)
  await cloud.servers.administer(spec, async (client) => {
    for (const folder of folders) await makeSlot(client, folder)
  })
}

/** Its server ended by itself. */
export const recover: Perform<'recover'> = async (work) => {
  const { cloud, server } = work
  const before = server.state
  if (before === 'Ready') server.state = 'Restarting'
  await cloud.save()
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, server)), lasts(work, 'recoverMs'))
  await configured(work)
  await keepReplicas(cloud, server)
  return () => {
    if (before === 'Ready' || before === 'Restarting') becomeReady(work)
  }
}
