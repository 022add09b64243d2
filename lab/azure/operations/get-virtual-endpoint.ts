/** VirtualEndpoints_Get and VirtualEndpoints_ListByServer: asked of whichever server of a pair. */
import { type AzureCloud, childNotFound, findServer, type Operation } from '../cloud'
import { endpointsOf } from '../endpoints'
import type { VirtualEndpoint } from '../state'
import { endpointView } from '../views'

export const getVirtualEndpoint: Operation = async (call) => {
  const server = findServer(call)
  const name = call.path.child ?? ''
  const endpoint = endpointsOf(call.cloud.state, server).find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (!endpoint) throw childNotFound(server, 'virtualendpoints', name)
  return { status: 200, body: viewOf(call.cloud, endpoint) }
}

export const listVirtualEndpoints: Operation = async (call) => {
  const endpoints = endpointsOf(call.cloud.state, findServer(call))
  return { status: 200, body: { value: endpoints.map((endpoint) => viewOf(call.cloud, endpoint)) } }
}

function viewOf({ state, addresses }: AzureCloud, endpoint: VirtualEndpoint): object {
  const owner = state.servers[endpoint.owner]
  if (!owner) throw new Error(`The virtual endpoint ${endpoint.name} belongs to nobody.`)
  const reader = state.servers[endpoint.reader ?? endpoint.owner] ?? owner
  return endpointView(
    owner,
    endpoint,
    [reader.name],
    [endpoint.writerHost, endpoint.readerHost].map((host) => addresses.textOf(host)),
  )
}
