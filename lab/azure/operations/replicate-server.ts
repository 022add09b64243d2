/** Servers_CreateOrUpdate with Replica: a server that follows another one, in its region or elsewhere, and can be read. What the source
 *  has of firewall rules, high availability and tags it has not; configurations are those of now. */
import { type Call, type Operation, requireState, sourceOf } from '../cloud'
import { AzureError, invalidParameter } from '../errors'
import type { Location } from '../locations'
import { replicasOf } from '../replication'
import { parseShape, parseZone } from '../shape'
import { type AzureServer, serverKey } from '../state'
import { REPLICAS_MAX } from '../views'
import { addServer } from './new-server'

export async function replicateServer(call: Call, name: string, location: Location): ReturnType<Operation> {
  const { body } = call
  const source = sourceOf(call)
  requireFollowable(call, source)
  const base = {
    ...structuredClone({ sku: source.sku, storage: source.storage, maintenanceWindow: source.maintenanceWindow }),
    ...structuredClone({ network: source.network, authConfig: source.authConfig }),
    backup: { retentionDays: source.backup.retentionDays, geoRedundant: 'Disabled' } as const,
    highAvailability: { mode: 'Disabled', standbyZone: null } as const,
    tags: {},
  }
  const change = parseShape(body, base, true)
  if (change.storage && change.storage.sizeGb < source.storage.sizeGb) {
    throw invalidParameter('storageSizeGB', `The source has ${source.storage.sizeGb} GB.`)
  }
  if (change.highAvailability && change.highAvailability.mode !== 'Disabled') {
    throw invalidParameter('highAvailability.mode', 'A read replica has none.')
  }
  requireState(call, source, 'Ready')
  const { major, engineVersion, login, configurations, databases } = source
  const inherited = structuredClone({ major, engineVersion, login, configurations, databases })
  const zone = parseZone(body) ?? '1'
  return addServer(
    call,
    { ...base, ...change, ...inherited, name, location, zone, replicaOf: serverKey(source.name) },
    { kind: 'replicate', source: serverKey(source.name) },
  )
}

function requireFollowable({ cloud }: Call, source: AzureServer): void {
  if (source.replicaOf !== null) {
    throw new AzureError('OperationNotAllowed', `Server '${source.name}' is a read replica and cannot have any.`)
  }
  if (source.sku.tier === 'Burstable') {
    throw new AzureError(
      'OperationNotAllowed',
      `Read replicas are not supported in the tier Burstable of server '${source.name}'.`,
    )
  }
  if (replicasOf(cloud.state, source).length >= REPLICAS_MAX) {
    throw new AzureError('QuotaExceeded', `Server '${source.name}' has ${REPLICAS_MAX} read replicas already.`)
  }
}
