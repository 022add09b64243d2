/** Servers_Update with `replica`: a read replica becomes a server of its own, planned (it has everything then) or forced (at once; what it
 *  has not received is lost). Older versions of the API say only `replicationRole: None`. */
import { type Answer, type Call, requireState } from '../cloud'
import { AzureError, invalidParameter } from '../errors'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import type { AzureServer } from '../state'

export function asksForPromotion({ body }: Call): boolean {
  return body.has('properties.replica') || body.text('properties.replicationRole')?.toLowerCase() === 'none'
}

export async function promoteReplica(call: Call, server: AzureServer): Promise<Answer> {
  const { body } = call
  const role = body.choice('properties.replica.role', ['None', 'Primary', 'AsyncReplica', 'GeoAsyncReplica'] as const)
  const mode = body.choice('properties.replica.promoteMode', ['Standalone', 'Switchover'] as const) ?? 'Standalone'
  const option =
    body.choice('properties.replica.promoteOption', ['Planned', 'Forced'] as const) ??
    (body.has('properties.replica') ? 'Planned' : 'Forced')
  if (role !== undefined && role !== 'None' && role !== 'Primary') throw invalidParameter('replica.role')
  if (server.replicaOf === null) {
    throw new AzureError('OperationNotAllowed', `Server '${server.name}' is not a read replica: there is nothing to promote.`)
  }
  if (mode === 'Switchover') throw invalidParameter('promoteMode', 'This lab has Standalone.')
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'PromoteReadReplicaManagementOperation',
    resource: serverId(server),
    job: { kind: 'promote', planned: option === 'Planned' },
    show: 'Updating',
  })
}
