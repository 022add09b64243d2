/** Records → the bodies of Azure's answers, as api-version 2025-08-01 has them; clients made for others find what they know. */
import { type AzureCloud, isReachable } from './cloud'
import { displayName } from './locations'
import { serverId, typeOf } from './protocol/path'
import type { ReplicationState } from './replication'
import type { Administrator, AsyncOperation, AzureServer, FirewallRule, ServerBackup, VirtualEndpoint } from './state'
import { windowOf } from './window'

/** How many replicas a server may have. */
export const REPLICAS_MAX = 5

/** `replication`: of a replica. */
export function serverView(cloud: AzureCloud, server: AzureServer, replication?: ReplicationState): object {
  const window = windowOf(server)
  const role = roleOf(cloud, server)
  const capacity = server.replicaOf === null ? REPLICAS_MAX : 0
  const primary = server.replicaOf === null ? undefined : cloud.state.servers[server.replicaOf]
  return {
    sku: server.sku,
    ...(server.createdAt !== null && { systemData: { createdAt: server.createdAt } }),
    properties: {
      dataEncryption: { type: 'SystemManaged' },
      replica: { role, capacity, ...(replication && { replicationState: replication }) },
      ...(primary && { sourceServerResourceId: serverId(primary) }),
      storage: storageView(server),
      network: networkView(server),
      privateEndpointConnections: [],
      authConfig: {
        activeDirectoryAuth: server.authConfig.entra,
        passwordAuth: server.authConfig.password,
        ...(server.authConfig.tenantId !== null && { tenantId: server.authConfig.tenantId }),
      },
      // an address, since nothing resolves names of the lab
      ...(isReachable(server) && { fullyQualifiedDomainName: cloud.addresses.textOf(server.host) }),
      version: String(server.major),
      minorVersion: server.engineVersion.slice(server.engineVersion.indexOf('.') + 1),
      administratorLogin: server.login,
      state: server.state,
      availabilityZone: server.zone,
      backup: {
        backupRetentionDays: server.backup.retentionDays,
        geoRedundantBackup: server.backup.geoRedundant,
        ...(window && { earliestRestoreDate: window.earliest }),
      },
      highAvailability: highAvailabilityView(server),
      maintenanceWindow: server.maintenanceWindow,
      replicationRole: role,
      replicaCapacity: capacity,
    },
    location: displayName(server.location),
    ...(Object.keys(server.tags).length > 0 && { tags: server.tags }),
    id: serverId(server),
    name: server.name,
    type: typeOf(),
  }
}

function roleOf({ state }: AzureCloud, { replicaOf, location }: AzureServer): string {
  if (replicaOf === null) return 'Primary'
  return state.servers[replicaOf]?.location === location ? 'AsyncReplica' : 'GeoAsyncReplica'
}

function storageView({ storage }: AzureServer): object {
  return {
    type: storage.type,
    iops: storage.iops,
    ...(storage.tier !== null && { tier: storage.tier }),
    ...(storage.throughput !== null && { throughput: storage.throughput }),
    storageSizeGB: storage.sizeGb,
    autoGrow: storage.autoGrow,
  }
}

function networkView({ network }: AzureServer): object {
  return {
    publicNetworkAccess: network.publicAccess,
    ...(network.subnetId !== null && { delegatedSubnetResourceId: network.subnetId }),
    ...(network.dnsZoneId !== null && { privateDnsZoneArmResourceId: network.dnsZoneId }),
  }
}

function highAvailabilityView({ highAvailability: { mode, standbyZone }, state, tasks }: AzureServer): object {
  const changes = tasks.find((task) => task.kind === 'update' && task.change.highAvailability !== undefined)
  const wanted = changes?.kind === 'update' ? changes.change.highAvailability?.mode : undefined
  if (wanted !== undefined && wanted !== mode) {
    return { mode, state: wanted === 'Disabled' ? 'RemovingStandby' : 'CreatingStandby' }
  }
  if (mode === 'Disabled') return { mode, state: 'NotEnabled' }
  const zone = standbyZone === null ? {} : { standbyAvailabilityZone: standbyZone }
  return { mode, state: state === 'Provisioning' ? 'CreatingStandby' : 'Healthy', ...zone }
}

export function firewallRuleView(server: AzureServer, { name, start, end }: FirewallRule): object {
  return child(server, 'firewallRules', name, { startIpAddress: start, endIpAddress: end })
}

export function backupView(server: AzureServer, { name, kind, completedAt }: ServerBackup): object {
  const source = kind === 'Full' ? 'Automatic' : 'Customer Initiated'
  return child(server, 'backups', name, { backupType: kind, source, ...(completedAt !== null && { completedTime: completedAt }) })
}

export function administratorView(server: AzureServer, administrator: Administrator): object {
  return child(server, 'administrators', administrator.objectId, administrator)
}

export function databaseView(server: AzureServer, name: string, charset: string, collation: string): object {
  return child(server, 'databases', name, { charset, collation })
}

export function child(server: AzureServer, collection: string, name: string, properties: object): object {
  return { properties, id: serverId(server, collection, name), name, type: typeOf(collection) }
}

/** What was accepted. */
export function acceptedView({ kind, startedAt }: AsyncOperation): object {
  return { operation: kind, startTime: startedAt }
}

export function operationView({ id, status, startedAt, endedAt, error }: AsyncOperation): object {
  const ended = endedAt === null ? {} : { endTime: endedAt }
  return { name: id, status, startTime: startedAt, ...ended, ...(error !== null && { error }) }
}

/** `addresses`: of whoever writes, and to read from. */
export function endpointView(server: AzureServer, { name }: VirtualEndpoint, members: string[], addresses: string[]): object {
  return child(server, 'virtualendpoints', name, { endpointType: 'ReadWrite', members, virtualEndpoints: addresses })
}
