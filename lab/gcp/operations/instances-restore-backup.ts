/** instances.restoreBackup: overwrites an instance with a backup's data, its own settings and flags staying as they are; or makes a new one
 *  of a backup, when the request brings settings for it. */
import {
  type Call,
  findInstance,
  type Operation,
  promise,
  requireIdle,
  requireNoReplicas,
  requirePrimary,
  requireRunning,
  textOf,
} from '../cloud'
import { GcpError, invalid } from '../errors'
import { merged, messageOf } from '../merge'
import { parseRegion } from '../names'
import type { Message } from '../protocol/json'
import { checkSettings, withDefaults } from '../settings'
import type { BackupRecord, SqlInstance } from '../state'
import { operationView } from '../views'
import { backupToRestore } from './find-backup'
import { refuseUnsupported } from './instance-body'
import { addInstance, newInstanceName } from './new-instance'

export const restoreBackup: Operation = async (call) => {
  const { cloud, body, fields, prefix } = call
  if (body.backupdrBackup !== undefined) throw invalid('This lab has no Backup and DR service')
  const name = textOf(fields.instance) ?? ''
  const wanted = body.restoreInstanceSettings
  if (wanted !== undefined && !cloud.state.instances[name]) {
    const backup = backupToRestore(call)
    const instance = await newFrom(call, name, backup, wanted as Message)
    const task = { kind: 'restore', backup: backup.uid, before: '' } as const
    return operationView(await promise(call, instance, { type: 'RESTORE_VOLUME', backup }, task), prefix)
  }
  const instance = findInstance(call, name)
  const backup = backupToRestore(call)
  if (wanted !== undefined) throw invalid('restoreInstanceSettings can be set for a new instance only')
  requirePrimary(instance)
  requireNoReplicas(call, instance)
  requireIdle(call, instance)
  requireRunning(call, instance)
  checkFits(instance, backup)
  const task = { kind: 'restore', backup: backup.uid, before: instance.folder } as const
  return operationView(await promise(call, instance, { type: 'RESTORE_VOLUME', backup }, task), prefix)
}

/** The backup's settings, and over them those of the request. */
async function newFrom(call: Call, name: string, backup: BackupRecord, wanted: Message): Promise<SqlInstance> {
  const catalogue = await call.cloud.catalogue(backup.major)
  refuseUnsupported(wanted)
  const version = textOf(wanted.databaseVersion)
  if (version !== undefined && version !== `POSTGRES_${backup.major}`) {
    throw invalid(`A backup of POSTGRES_${backup.major} cannot be restored as ${version}`)
  }
  const { settingsVersion: _, kind: __, ...given } = messageOf(wanted.settings)
  const settings = withDefaults(merged('Settings', backup.settings as unknown as Message, given), backup.major)
  checkSettings(settings, catalogue, backup.settings)
  const region = parseRegion(textOf(wanted.region) ?? backup.region)
  const { major, engineVersion } = backup
  return addInstance(call, { name: newInstanceName(call, name), major, engineVersion, region, settings })
}

function checkFits(instance: SqlInstance, backup: BackupRecord): void {
  if (instance.major !== backup.major) {
    throw invalid(`A backup of POSTGRES_${backup.major} cannot be restored to an instance of POSTGRES_${instance.major}`)
  }
  if (BigInt(instance.settings.dataDiskSizeGb) < BigInt(backup.settings.dataDiskSizeGb)) {
    throw new GcpError('invalidOperation', 'The target instance has less storage than the instance that was backed up.')
  }
}
