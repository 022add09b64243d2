/** Accepts the removal of a backup, which nothing may be using. */

import { isBeingRestored } from '../backup-use'
import { type Call, isBusy, newOperation } from '../cloud'
import { inProgress } from '../errors'
import type { BackupRecord, OperationRecord } from '../state'

/** @throws GcpError operationInProgress. */
export async function removeBackup(call: Call, backup: BackupRecord): Promise<OperationRecord> {
  const { cloud, faults } = call
  const instance = cloud.state.instances[backup.instance]
  const busy = instance !== undefined && (isBusy(cloud, instance) || faults.keepsBusy(instance))
  if (busy || backup.tasks.length > 0 || isBeingRestored(cloud.state, backup)) throw inProgress()
  const operation = newOperation(cloud, { type: 'DELETE_BACKUP', instance: backup.instance, backup })
  const doom = faults.doom()
  backup.tasks.push({ kind: 'remove', operation: operation.name, before: backup.state, ...(doom && { doom }) })
  backup.state = 'DELETING'
  await cloud.save()
  cloud.removals.wake(backup)
  return operation
}
