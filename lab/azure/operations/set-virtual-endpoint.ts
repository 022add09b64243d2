/** VirtualEndpoints_Create and VirtualEndpoints_Update: the addresses of a primary server and of one to read from, which stay when roles
 *  change. A primary server has one pair. */
import { type Call, findParent, type Operation, requireState, takeHost } from '../cloud'
import { endpointsOf } from '../endpoints'
import { AzureError, invalidParameter } from '../errors'
import { parseEndpointName } from '../names'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { primaryOf, replicasOf } from '../replication'
import { type AzureServer, serverKey, type VirtualEndpoint } from '../state'

export const setVirtualEndpoint: Operation = async (call) => {
  const { body, cloud, path } = call
  const named = findParent(call, 'virtualendpoints')
  const server = primaryOf(cloud.state, named) ?? named
  const name = parseEndpointName(path.child ?? '')
  body.choice('properties.endpointType', ['ReadWrite'] as const)
  const reader = parseReader(call, server)
  const [there] = endpointsOf(cloud.state, server)
  const taken = cloud.state.endpoints[name.toLowerCase()]
  if (taken && taken !== there) throw new AzureError('ResourceAlreadyExists', `The virtual endpoint '${name}' already exists.`)
  if (there && there.name.toLowerCase() !== name.toLowerCase()) {
    throw new AzureError('OperationNotAllowed', `Server '${server.name}' has the virtual endpoint '${there.name}' already.`)
  }
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'UpsertVirtualEndpointManagementOperation',
    resource: serverId(server, 'virtualendpoints', name),
    job: { kind: 'set-endpoint', endpoint: there ? { ...there, reader } : newEndpoint(call, server, name, reader) },
  })
}

function newEndpoint({ cloud }: Call, server: AzureServer, name: string, reader: string | null): VirtualEndpoint {
  return { name, owner: serverKey(server.name), reader, writerHost: takeHost(cloud), readerHost: takeHost(cloud) }
}

/** One server: the primary itself, or a replica of it. */
function parseReader({ body, cloud }: Call, server: AzureServer): string | null {
  const [member, ...others] = body.texts('properties.members') ?? []
  if (others.length > 0) throw invalidParameter('members', 'One server can be read from.')
  if (member === undefined || serverKey(member) === serverKey(server.name)) return null
  if (replicasOf(cloud.state, server).some(({ name }) => serverKey(name) === serverKey(member))) return serverKey(member)
  throw invalidParameter('members', `'${member.slice(0, 63)}' is no read replica of '${server.name}'.`)
}
