/** Servers_Start. */
import { findServer, type Operation, requireState } from '../cloud'
import { promise } from '../promises'
import { serverId } from '../protocol/path'

export const startServer: Operation = async (call) => {
  const server = findServer(call)
  requireState(call, server, 'Stopped')
  return promise(call, server, {
    kind: 'StartServerManagementOperation',
    resource: serverId(server),
    job: server.outdated && server.replicaOf !== null ? { kind: 'replicate', source: server.replicaOf } : { kind: 'start' },
    show: 'Starting',
  })
}
