/** instances.delete: not while it is protected or has replicas; a last backup when asked for. */
import { findInstance, type Operation, promise, requireIdle, requireNoReplicas } from '../cloud'
import { GcpError } from '../errors'
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
