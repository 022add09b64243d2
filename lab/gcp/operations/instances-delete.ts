/** instances.delete: not while it is protected or has replicas, or one of the backups that go with it is being restored; a last backup when
 *  asked for. */

import { goesWith, isBeingRestored } from '../backup-use'
import { findInstance, type Operation, promise, requireIdle, requireNoReplicas } from '../cloud'
import { GcpError, inProgress } from '../errors'
import { addBackup, finalExpiry } from '../new-backup'
import { operationView } from '../views'

export const deleteInstance: Operation = async (call) => {
  const { cloud, fields, prefix } = call
  const instance = findInstance(call)
  const { deletionProtectionEnabled, finalBackupConfig } = instance.settings
  if (deletionProtectionEnabled) {
    throw new GcpError(
      'invalidOperation',
      'The instance is protected. Please disable the deletion protection and try again. To disable deletion protection, update the instance settings with deletionProtectionEnabled set to false.',
    )
  }
  requireNoReplicas(call, instance)
  requireIdle(call, instance)
  // another instance's restore is no operation of this one, but needs what would go with it
  const going = Object.values(cloud.state.backups).filter((backup) => goesWith(backup, instance))
  if (going.some((backup) => isBeingRestored(cloud.state, backup))) throw inProgress()
  const wanted = (fields.enableFinalBackup as boolean | undefined) ?? finalBackupConfig?.enabled ?? false
  const expiresAt = wanted ? finalExpiry(fields, finalBackupConfig?.retentionDays) : null
  // what never came to be has nothing to back up, and a replica is backed up by its primary
  const final = wanted && instance.state === 'RUNNABLE' && instance.master === null
  const description = String(fields.finalBackupDescription ?? '')
  const backup = final ? addBackup(cloud, instance, { type: 'FINAL', description, expiresAt }) : undefined
  instance.state = 'PENDING_DELETE'
  const promised = { type: 'DELETE', ...(backup && { backup }) }
  const operation = await promise(call, instance, promised, { kind: 'delete', finalBackup: backup?.uid ?? null })
  return operationView(operation, prefix)
}
