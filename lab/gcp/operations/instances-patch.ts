/** instances.patch and instances.update: new settings, which count at the end of the operation. A patch adds to what there is, an update
 *  replaces it. */
import {
  type Call,
  findInstance,
  type Operation,
  promise,
  requireIdle,
  requireNoReplicas,
  requirePrimary,
  textOf,
} from '../cloud'
import { GcpError, invalid, missing } from '../errors'
import { merged, messageOf } from '../merge'
import type { Message } from '../protocol/json'
import { checkSettings, type Settings, settingsGiven, withDefaults } from '../settings'
import { checkVersion } from '../settings-version'
import type { SqlInstance } from '../state'
import { operationView } from '../views'
import { designatedBy } from './dr-replica'
import { plainName } from './insert-replica'
import { refuseUnsupported } from './instance-body'
import { requireReplica } from './instances-promote-replica'
import { zoneOf } from './new-instance'

export const patchInstance: Operation = async (call) => {
  const instance = findInstance(call)
  return await change(call, instance, () => merged('Settings', instance.settings, settingsGiven(call.body.settings)))
}

export const updateInstance: Operation = async (call) => {
  const instance = findInstance(call)
  const given = settingsGiven(call.body.settings)
  if (Object.keys(given).length === 0) throw missing('settings')
  if (call.body.settings !== undefined && messageOf(call.body.settings).settingsVersion === undefined) {
    throw missing('settingsVersion')
  }
  return await change(call, instance, () => merged('Settings', {}, given))
}

async function change(call: Call, instance: SqlInstance, next: () => Message): Promise<Message> {
  const { cloud, body, prefix } = call
  // from here on nothing is waited for: what is checked is what is changed
  const catalogue = await cloud.catalogue(instance.major)
  refuseUnsupported(body)
  checkFixed(instance, body)
  const settings = withDefaults(next(), instance.major)
  checkSettings(settings, catalogue, instance.settings)
  zoneOf(settings, instance.region)
  requireIdle(call, instance)
  if (instance.state !== 'RUNNABLE') throw new GcpError('invalidOperation', "The operation isn't valid for this instance.")
  checkVersion(instance, messageOf(body.settings).settingsVersion)
  checkRole(call, instance, settings)
  const drReplica = designatedBy(call, instance)
  const operation = await promise(call, instance, { type: 'UPDATE' }, { kind: 'update', settings, drReplica })
  return operationView(operation, prefix)
}

/** A replica has no backups, and neither it nor whom it follows is stopped. @throws GcpError. */
function checkRole(call: Call, instance: SqlInstance, settings: Settings): void {
  if (settings.backupConfiguration.enabled || settings.activationPolicy === 'NEVER') requirePrimary(instance)
  if (settings.activationPolicy === 'NEVER') requireNoReplicas(call, instance)
  if (settings.databaseReplicationEnabled === false) requireReplica(call, instance)
  const master = textOf(call.body.masterInstanceName)
  if (master !== undefined && plainName(master) !== instance.master) throw invalid('masterInstanceName cannot be changed')
}

/** What an instance is made with and keeps. */
function checkFixed(instance: SqlInstance, body: Message): void {
  const fixed = { name: instance.name, region: instance.region, databaseVersion: `POSTGRES_${instance.major}` }
  for (const [field, value] of Object.entries(fixed)) {
    const given = textOf(body[field])
    if (given !== undefined && given !== value)
      throw invalid(`${field} cannot be changed from ${value} to ${given.slice(0, 100)}`)
  }
}
