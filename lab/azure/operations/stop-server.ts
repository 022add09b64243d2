/** Servers_Stop: PostgreSQL is down until somebody starts the server again. After seven days it does so by itself. */
import { findServer, type Operation, requireState } from '../cloud'
import { promise } from '../promises'
import { serverId } from '../protocol/path'

export const stopServer: Operation = async (call) => {
  const server = findServer(call)
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'StopServerManagementOperation',
    resource: serverId(server),
    job: { kind: 'stop' },
    show: 'Stopping',
  })
}
