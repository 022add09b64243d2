/** BackupsAutomaticAndOnDemand_Create: a copy of the server as it is now, beside those that are taken by themselves. */
import { newFolderName } from '../../postgres/servers'
import { findParent, type Operation, requireState } from '../cloud'
import { AzureError } from '../errors'
import { parseBackupName } from '../names'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { requireWriter } from '../replication'
import { own } from '../state'

export const createBackup: Operation = async (call) => {
  const server = findParent(call, 'backups')
  const name = parseBackupName(call.path.child ?? '')
  const backup = name.toLowerCase()
  requireWriter(server)
  if (server.sku.tier === 'Burstable') {
    throw new AzureError(
      'OperationNotAllowed',
      `Backups on demand are not supported in the tier Burstable of server '${server.name}'.`,
    )
  }
  requireState(call, server, 'Ready')
  if (own(server.backups, backup))
    throw new AzureError('ResourceAlreadyExists', `A backup with the name '${name}' already exists.`)
  server.backups[backup] = { name, folder: newFolderName(), kind: 'Customer On-Demand', completedAt: null }
  return promise(call, server, {
    kind: 'UpsertServerBackupManagementOperation',
    resource: serverId(server, 'backups', name),
    job: { kind: 'back-up', backup },
  })
}
