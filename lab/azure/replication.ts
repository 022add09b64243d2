/** Who follows whom, and how well. */
import { type AzureCloud, specOf } from './cloud'
import { AzureError } from './errors'
import { type AzureServer, type AzureState, serverKey } from './state'

/** `properties.replica.replicationState`. */
export type ReplicationState = 'Active' | 'Catchup' | 'Provisioning' | 'Updating' | 'Broken' | 'Reconfiguring'

/** So much is sent in no time. */
const CAUGHT_UP_BYTES = 16 * 1024 * 1024

export function replicasOf(state: AzureState, { name }: AzureServer): AzureServer[] {
  return Object.values(state.servers).filter(({ replicaOf }) => replicaOf === serverKey(name))
}

export function primaryOf(state: AzureState, { replicaOf }: AzureServer): AzureServer | undefined {
  return replicaOf === null ? undefined : state.servers[replicaOf]
}

/** @throws AzureError OperationNotAllowed for one that can only be read. */
export function requireWriter(server: AzureServer): void {
  if (server.replicaOf === null) return
  throw new AzureError('OperationNotAllowed', `Server '${server.name}' is a read replica: it can only be read.`)
}

/** How a replica follows, as of now. PostgreSQL is asked, unless a fault keeps it from answering. */
export async function replicationStateOf(cloud: AzureCloud, server: AzureServer): Promise<ReplicationState> {
  const [task] = server.tasks
  if (task?.kind === 'replicate') return server.createdAt === null ? 'Provisioning' : 'Reconfiguring'
  if (task?.kind === 'promote' || task?.kind === 'switch-over') return 'Reconfiguring'
  if (server.state === 'Updating') return 'Updating'
  const frozen = cloud.afflictions.isFrozen(serverKey(server.name)) || cloud.afflictions.isFrozen(server.replicaOf ?? '')
  if (frozen || cloud.servers.isDown(server.folder)) return 'Broken'
  try {
    const { state, lagBytes } = await cloud.servers.replication(specOf(cloud, server))
    if (state !== 'streaming') return 'Broken'
    return lagBytes > CAUGHT_UP_BYTES ? 'Catchup' : 'Active'
  } catch {
    return 'Broken'
  }
}
