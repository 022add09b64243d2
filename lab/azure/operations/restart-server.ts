/** Servers_Restart: a real restart; what waited for one takes effect. A failover is only for servers with high availability. */
import { findServer, type Operation, requireState } from '../cloud'
import { AzureError } from '../errors'
import { promise } from '../promises'
import { serverId } from '../protocol/path'

const MODES = ['PlannedFailover', 'ForcedFailover', 'PlannedSwitchover', 'ForcedSwitchover'] as const

export const restartServer: Operation = async (call) => {
  const server = findServer(call)
  const mode = call.body.choice('failoverMode', MODES)
  const fails = call.body.flag('restartWithFailover') ?? false
  requireState(call, server, 'Ready', 'Inaccessible')
  if ((fails || mode !== undefined) && server.highAvailability.mode === 'Disabled') {
    throw new AzureError('OperationNotAllowed', `Failover is not possible: server '${server.name}' has no high availability.`)
  }
  return promise(call, server, {
    kind: fails ? 'FailoverServerManagementOperation' : 'RestartServerManagementOperation',
    resource: serverId(server),
    job: { kind: 'restart' },
    show: 'Restarting',
  })
}
