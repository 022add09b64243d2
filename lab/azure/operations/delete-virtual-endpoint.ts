/** VirtualEndpoints_Delete. */
import { findServer, type Operation, requireState } from '../cloud'
import { endpointsOf } from '../endpoints'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { primaryOf } from '../replication'

export const deleteVirtualEndpoint: Operation = async (call) => {
  const named = findServer(call)
  const server = primaryOf(call.cloud.state, named) ?? named
  const name = call.path.child?.toLowerCase() ?? ''
  const endpoint = endpointsOf(call.cloud.state, server).find((one) => one.name.toLowerCase() === name)
  if (!endpoint) return { status: 204 }
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'DropVirtualEndpointManagementOperation',
    resource: serverId(server, 'virtualendpoints', endpoint.name),
    job: { kind: 'delete-endpoint', name },
  })
}
