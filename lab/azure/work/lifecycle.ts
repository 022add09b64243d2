/** Tasks that a server as a whole goes through. Each is safe to begin again. */
import { newFolderName } from '../../postgres/servers'
import { specOf } from '../cloud'
import { SETTINGS_QUESTION, type SettingRow } from '../parameters'
import { serverKey } from '../state'
import { atLeast, becomeReady, configured, lasts, type Perform, type Work } from './work'

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
function backUpSoon({ server }: Work): void {
  const name = `backup_${Date.now()}00000`
  server.backups[name] = { name, folder: newFolderName(), kind: 'Full', completedAt: null }
  server.tasks.splice(1, 0, { kind: 'back-up', backup: name, operation: null })
}

/** A new folder for a new attempt, written down first, so that the sweep after a crash knows which one counts. */
async function beginAnew({ cloud, server }: Work): Promise<void> {
  const before = server.folder
  server.folder = newFolderName()
  server.archive = server.folder
  await cloud.save()
  await cloud.servers.remove(before)
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
  return () => becomeReady(work)
}

async function takeConfigurations({ cloud, server }: Work): Promise<void> {
  server.running = { ...server.configurations }
  await cloud.save()
}

export const stop: Perform<'stop'> = async (work) => {
  const { cloud, server } = work
  await atLeast(cloud.servers.halt(server.folder), lasts(work, 'rebootMs'))
  return () => {
    server.state = 'Stopped'
    server.tasks = server.tasks.filter(({ kind }) => kind !== 'recover')
  }
}

/** Its backups go with it. The name is not given again for a while. */
export const remove: Perform<'delete'> = async (work) => {
  const { cloud, server } = work
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(server.folder)
  for (const { folder } of Object.values(server.backups)) await cloud.servers.removeSnapshot(folder)
  const key = serverKey(server.name)
  const droppingMs = cloud.pace.durationMs('droppingMs', `azure/${key}`)
  return () => {
    delete cloud.state.servers[key]
    server.tasks = []
    if (droppingMs > 0) cloud.state.dropping[key] = new Date(Date.now() + droppingMs).toISOString()
  }
}

/** Its server ended by itself. */
export const recover: Perform<'recover'> = async (work) => {
  const { cloud, server } = work
  const before = server.state
  if (before === 'Ready') server.state = 'Restarting'
  await cloud.save()
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, server)), lasts(work, 'recoverMs'))
  await configured(work)
  return () => {
    if (before === 'Ready' || before === 'Restarting') becomeReady(work)
  }
}
