/** Tasks that concern something that belongs to a server. Each is safe to begin again. */
import { identifier, literal } from '../../postgres/session'
import { specOf } from '../cloud'
import { invalidParameter } from '../errors'
import { checkedByServer } from '../parameters'
import { atLeast, becomeReady, configured, lasts, type Perform, type Work } from './work'

const nothing = (): void => {}

export const setFirewallRule: Perform<'set-firewall-rule'> = async (work, { rule }) => {
  await lasts(work, 'itemMs')
  work.server.firewallRules[rule.name.toLowerCase()] = rule
  await work.cloud.save()
  await configured(work)
  return nothing
}

/** New connections are refused; those that are there stay, as in life. */
export const deleteFirewallRule: Perform<'delete-firewall-rule'> = async (work, { name }) => {
  await lasts(work, 'itemMs')
  delete work.server.firewallRules[name.toLowerCase()]
  await work.cloud.save()
  await configured(work)
  return nothing
}

const ALREADY_THERE = '42P04'

/** A collation is a name to the lab: its servers sort by C. */
export const createDatabase: Perform<'create-database'> = async (work, { name, charset, collation }) => {
  const { cloud, server } = work
  await lasts(work, 'itemMs')
  const statement = `CREATE DATABASE ${identifier(name)} OWNER ${identifier(server.login)} ENCODING ${literal(charset)} TEMPLATE template0`
  await cloud.servers
    .administer(specOf(cloud, server), (client) => client.query(statement))
    .catch((error: { code?: string }) => {
      if (error.code !== ALREADY_THERE) throw error
    })
  return () => {
    server.databases[name] = { charset, collation }
  }
}

/** Whoever is connected is disconnected. */
export const deleteDatabase: Perform<'delete-database'> = async (work, { name }) => {
  const { cloud, server } = work
  await lasts(work, 'itemMs')
  const statement = `DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`
  await cloud.servers.administer(specOf(cloud, server), (client) => client.query(statement))
  return () => {
    delete server.databases[name]
  }
}

/** One that takes effect only at a start is written down and waits for that. */
export const configure: Perform<'configure'> = async (work, { name, value }) => {
  const { cloud, server } = work
  await lasts(work, 'itemMs')
  const parameter = (await cloud.parameters.of(server.major)).get(name.toLowerCase())
  const before = { configurations: { ...server.configurations }, running: { ...server.running } }
  set(server.configurations, name, value)
  if (parameter?.dynamic) {
    set(server.running, name, value)
    await cloud.save()
    await configured(work)
    if (value !== null && !(await isTaken(work, name))) {
      Object.assign(server, before)
      await cloud.save()
      await configured(work)
      throw checkedByServer(name, value)
    }
  }
  return () => {
    if (server.state !== 'Inaccessible') becomeReady(work)
  }
}

/** Whether the server made something of what its file says. */
async function isTaken({ cloud, server }: Work, name: string): Promise<boolean> {
  if (cloud.servers.isDown(server.folder)) return true
  const question = 'SELECT error FROM pg_file_settings WHERE lower(name) = lower($1) AND error IS NOT NULL'
  const { rows } = await cloud.servers.administer(specOf(cloud, server), (client) => client.query(question, [name]))
  return rows.length === 0
}

function set(values: Record<string, string>, name: string, value: string | null): void {
  if (value === null) delete values[name]
  else values[name] = value
}

export const backUp: Perform<'back-up'> = async (work, { backup }) => {
  const { cloud, server, signal } = work
  const record = server.backups[backup]
  if (!record) throw invalidParameter('backupName')
  const time = record.kind === 'Full' ? 'firstBackupMs' : 'snapshotMs'
  const taken = await atLeast(cloud.servers.snapshot(specOf(cloud, server), record.folder, signal), lasts(work, time))
  return () => {
    record.completedAt = taken.endedAt
  }
}

export const deleteBackup: Perform<'delete-backup'> = async (work, { backup }) => {
  const { cloud, server } = work
  await lasts(work, 'itemMs')
  const record = server.backups[backup]
  if (record) await cloud.servers.removeSnapshot(record.folder)
  return () => {
    delete server.backups[backup]
  }
}

/** Kept and shown; no role is made, and nobody logs in with a token of Entra ID. */
export const setAdministrator: Perform<'set-administrator'> = async (work, { administrator }) => {
  await lasts(work, 'itemMs')
  return () => {
    work.server.administrators[administrator.objectId] = administrator
  }
}

export const deleteAdministrator: Perform<'delete-administrator'> = async (work, { objectId }) => {
  await lasts(work, 'itemMs')
  return () => {
    delete work.server.administrators[objectId]
  }
}

export const setEndpoint: Perform<'set-endpoint'> = async (work, { endpoint }) => {
  const { cloud } = work
  await lasts(work, 'itemMs')
  cloud.state.endpoints[endpoint.name.toLowerCase()] = endpoint
  await cloud.save()
  await cloud.endpoints.settle()
  return nothing
}

/** Connections that came by it are ended. */
export const deleteEndpoint: Perform<'delete-endpoint'> = async (work, { name }) => {
  const { cloud } = work
  await lasts(work, 'itemMs')
  delete cloud.state.endpoints[name]
  await cloud.save()
  await cloud.endpoints.settle()
  return nothing
}
