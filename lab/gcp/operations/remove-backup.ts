/** Accepts the removal of a backup, which nothing may be using. */
import { type Call, isBusy, newOperation } from '../cloud'
import { GcpError } from '../errors'
import type { BackupRecord, OperationRecord } from '../state'

/** @throws GcpError operationInProgress. */
export async function removeBackup(call: Call, backup: BackupRecord): Promise<OperationRecord> {
  const { cloud, faults } = call
  const { instances } = cloud.state
  const instance = instances[backup.instance]
  const restored = Object.values(instances).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'restore' && task.backup === backup.uid),
  )
  const refused = backup.tasks.length > 0 || restored || (instance && (isBusy(cloud, instance) || faults.keepsBusy(instance)))
  if (refused) {
    throw new GcpError(
      'operationInProgress',
      'Operation failed because another operation was already in progress. Try your request after the current operation is complete.',
    )
  }
  const operation = newOperation(cloud, { type: 'DELETE_BACKUP', instance: backup.instance, backup })
  const doom = faults.doom()
  backup.tasks.push({ kind: 'remove', operation: operation.name, before: backup.state, ...(doom && { doom }) })
  backup.state = 'DELETING'
  await cloud.save()
  cloud.removals.wake(backup)
  return operation
}
