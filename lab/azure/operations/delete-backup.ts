/** BackupsAutomaticAndOnDemand_Delete: only those that somebody asked for. */
import { findServer, type Operation, requireState } from '../cloud'
import { AzureError } from '../errors'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { own } from '../state'

export const deleteBackup: Operation = async (call) => {
  const server = findServer(call)
  const backup = call.path.child?.toLowerCase() ?? ''
  const record = own(server.backups, backup)
  if (!record) return { status: 204 }
  if (record.kind === 'Full') {
    throw new AzureError('OperationNotAllowed', `The backup '${record.name}' was taken automatically and cannot be deleted.`)
  }
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'DropServerBackupManagementOperation',
    resource: serverId(server, 'backups', record.name),
    job: { kind: 'delete-backup', backup },
  })
}
