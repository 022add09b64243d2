/** Servers_Start. */
import { findServer, type Operation, requireState } from '../cloud'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { startOf } from '../schedule'

export const startServer: Operation = async (call) => {
  const server = findServer(call)
  requireState(call, server, 'Stopped')
  return promise(call, server, {
    kind: 'StartServerManagementOperation',
    resource: serverId(server),
    job: startOf(server),
    show: 'Starting',
  })
}
