/** Servers_Delete: its backups go with it. What is not there is deleted already. */
import { isBusy, type Operation, refuseWhileCopied, serverAt } from '../cloud'
import { AzureError, busy } from '../errors'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { replicasOf } from '../replication'

export const deleteServer: Operation = async (call) => {
  const server = serverAt(call.cloud.state, call.path)
  if (!server) return { status: 204 }
  if (replicasOf(call.cloud.state, server).length > 0) {
    throw new AzureError('OperationNotAllowed', `Server '${server.name}' has read replicas: they go, or are promoted, first.`)
  }
  if (isBusy(call, server)) throw busy(server.name)
  refuseWhileCopied(call, server)
  return promise(call, server, {
    kind: 'DropServerManagementOperation',
    resource: serverId(server),
    job: { kind: 'delete', from: server.state },
    show: 'Dropping',
  })
}
