/** A server with what only PostgreSQL knows of it. */
import type { AzureCloud } from './cloud'
import { replicationStateOf } from './replication'
import type { AzureServer } from './state'
import { serverView } from './views'

export async function serverViewNow(cloud: AzureCloud, server: AzureServer): Promise<object> {
  return serverView(cloud, server, server.replicaOf === null ? undefined : await replicationStateOf(cloud, server))
}
