/** instances.restoreBackup: overwrites an instance with a backup's data, its own settings and flags staying as they are; or makes a new one
 *  of a backup, when the request brings settings for it. */

import type { Catalogue } from '../../postgres/catalogue'
import { isGoing } from '../backup-use'
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
import { GcpError, inProgress, invalid } from '../errors'
import { merged } from '../merge'
import { parseRegion } from '../names'
import type { Message } from '../protocol/json'
import { checkSettings, settingsGiven, withDefaults } from '../settings'
import type { BackupRecord, SqlInstance } from '../state'
import { operationView } from '../views'
import { backupToRestore } from './find-backup'
import { refuseUnsupported } from './instance-body'
import { addInstance, newInstanceName } from './new-instance'

export const restoreBackup: Operation = async (call) => {
  const { cloud, body, fields, prefix } = call
  if (body.backupdrBackup !== undefined) throw invalid('This lab has no Backup and DR service')
  if (Array.isArray(body.restoreInstanceClearOverridesFieldNames) && body.restoreInstanceClearOverridesFieldNames.length > 0) {
    throw invalid('This lab clears no settings of a backup; override them with restoreInstanceSettings')
  }
  const name = textOf(fields.instance) ?? ''
  const wanted = body.restoreInstanceSettings
  if (wanted !== undefined && !cloud.state.instances[name]) {
    const catalogue = await cloud.catalogue(restorable(call).major)
    // from here on nothing is waited for: a backup that is found is kept until the task is done
    const backup = restorable(call)
    const instance = newFrom(call, name, { backup, catalogue, wanted: wanted as Message })
    const task = { kind: 'restore', backup: backup.uid, before: '' } as const
    return operationView(await promise(call, instance, { type: 'RESTORE_VOLUME', backup }, task), prefix)
  }
  const instance = findInstance(call, name)
  const backup = restorable(call)
  if (wanted !== undefined) throw invalid('restoreInstanceSettings can be set for a new instance only')
  requirePrimary(instance)
  requireNoReplicas(call, instance)
  requireIdle(call, instance)
  requireRunning(call, instance)
  checkFits(instance, backup)
  const task = { kind: 'restore', backup: backup.uid, before: instance.folder } as const
  return operationView(await promise(call, instance, { type: 'RESTORE_VOLUME', backup }, task), prefix)
}

/** @throws GcpError operationInProgress also for a backup that goes with its instance before long. */
function restorable(call: Call): BackupRecord {
  const backup = backupToRestore(call)
  if (isGoing(call.cloud.state, backup)) throw inProgress()
  return backup
}

interface NewFrom {
  backup: BackupRecord
  catalogue: Catalogue
  wanted: Message
}

/** The backup's settings, and over them those of the request. */
function newFrom(call: Call, name: string, { backup, catalogue, wanted }: NewFrom): SqlInstance {
  refuseUnsupported(wanted)
  const version = textOf(wanted.databaseVersion)
  if (version !== undefined && version !== `POSTGRES_${backup.major}`) {
    throw invalid(`A backup of POSTGRES_${backup.major} cannot be restored as ${version}`)
  }
  const given = settingsGiven(wanted.settings)
  const settings = withDefaults(merged('Settings', backup.settings, given), backup.major)
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
