/** Servers_Update with `replica`: a read replica becomes a server of its own, or swaps its role with its primary; planned (it has everything
 *  then) or forced (at once; what it has not received is lost). Older versions of the API say only `replicationRole: None`. */
import { type Answer, type Call, isBusy, requireState } from '../cloud'
import { endpointsOf } from '../endpoints'
import { AzureError, busy, invalidParameter } from '../errors'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { type AzureServer, serverKey } from '../state'

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
  requireState(call, server, 'Ready')
  if (mode === 'Switchover') return switchOver(call, server, server.replicaOf, option === 'Planned')
  return promise(call, server, {
    kind: 'PromoteReadReplicaManagementOperation',
    resource: serverId(server),
    job: { kind: 'promote', planned: option === 'Planned' },
    show: 'Updating',
  })
}

/** Both servers must be alike, and reached by a virtual endpoint that the replica is a member of. */
async function switchOver(call: Call, server: AzureServer, primary: string, planned: boolean): Promise<Answer> {
  const { state } = call.cloud
  const before = state.servers[primary]
  const refusal = (why: string): AzureError =>
    new AzureError('OperationNotAllowed', `Server '${server.name}' cannot be promoted to primary: ${why}.`)
  if (!before) throw refusal('its primary server is gone')
  if (!endpointsOf(state, server).some(({ reader }) => reader === serverKey(server.name))) {
    throw refusal('it is no member of a virtual endpoint of its primary server')
  }
  if (before.sku.name !== server.sku.name || before.storage.sizeGb !== server.storage.sizeGb) {
    throw refusal('its size and storage are not those of its primary server')
  }
  if (planned) requireState(call, before, 'Ready')
  else if (isBusy(call, before)) throw busy(before.name)
  return promise(call, server, {
    kind: 'PromoteReadReplicaManagementOperation',
    resource: serverId(server),
    job: { kind: 'switch-over', primary, planned },
    show: 'Updating',
  })
}
