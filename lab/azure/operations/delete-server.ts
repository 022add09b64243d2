/** Servers_Delete: its backups go with it. What is not there is deleted already. */
import { isBusy, type Operation, serverAt } from '../cloud'
import { busy } from '../errors'
import { promise } from '../promises'
import { serverId } from '../protocol/path'

export const deleteServer: Operation = async (call) => {
  const server = serverAt(call.cloud.state, call.path)
  if (!server) return { status: 204 }
  if (isBusy(call, server)) throw busy(server.name)
  return promise(call, server, {
    kind: 'DropServerManagementOperation',
    resource: serverId(server),
    job: { kind: 'delete', from: server.state },
    show: 'Dropping',
  })
}
