/** Virtual endpoints: whose they are, and what becomes of them when servers go or change their roles. */
import { type AzureServer, type AzureState, serverKey, type VirtualEndpoint } from './state'

/** Of a server or of the one that it follows. */
export function endpointsOf(state: AzureState, server: AzureServer): VirtualEndpoint[] {
  const writer = server.replicaOf ?? serverKey(server.name)
  return Object.values(state.endpoints).filter(({ owner }) => owner === writer)
}

/** What is left of the endpoints when a server is gone, or stands alone. */
export function leaveEndpoints(state: AzureState, server: AzureServer): void {
  const key = serverKey(server.name)
  for (const [name, endpoint] of Object.entries(state.endpoints)) {
    if (endpoint.owner === key) delete state.endpoints[name]
    else if (endpoint.reader === key) endpoint.reader = null
  }
}

/** The endpoints of two servers that swapped their roles. */
export function swapEndpoints(state: AzureState, before: AzureServer, now: AzureServer): void {
  for (const endpoint of Object.values(state.endpoints)) {
    if (endpoint.owner !== serverKey(before.name)) continue
    endpoint.owner = serverKey(now.name)
    if (endpoint.reader === serverKey(now.name)) endpoint.reader = serverKey(before.name)
  }
}

/** The addresses that they take, also those that are only promised. */
export function endpointHosts({ endpoints, servers }: AzureState): { host: number }[] {
  const promised = Object.values(servers).flatMap(({ tasks }) =>
    tasks.flatMap((task) => (task.kind === 'set-endpoint' ? [task.endpoint] : [])),
  )
  return [...Object.values(endpoints), ...promised].flatMap(({ writerHost, readerHost }) => [
    { host: writerHost },
    { host: readerHost },
  ])
}
