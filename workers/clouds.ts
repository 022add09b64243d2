/** Adapters by what holds the instances, made once, for the clouds whose queues this worker serves. The vendors' SDKs are loaded by the adapters
 *  on first use, and so are their default chains of credentials. */

import type { ActivityDeps } from '../activities/deps'
import { createAurora } from '../clouds/aws/aurora/aurora'
import { hostedZone } from '../clouds/aws/dns'
import { createRds } from '../clouds/aws/rds'
import { azureZone } from '../clouds/azure/dns'
import { createFlexibleServer } from '../clouds/azure/flexible-server'
import type { DnsZonePort } from '../clouds/dns-port'
import { createCloudSql } from '../clouds/gcp/cloud-sql'
import { managedZone } from '../clouds/gcp/dns'
import type { ManagedPostgres } from '../clouds/port'
import { canonicalJson } from '../contracts/canonical-json'
import type { DnsZone } from '../contracts/endpoint'
import type { DatabaseEntry } from '../contracts/fleet'
import type { TaskQueue } from '../contracts/messages'
import type { CloudAccess } from './config'

export function createClouds(queues: readonly TaskQueue[], access: CloudAccess): ActivityDeps['cloudOf'] {
  const adapters = new Map<string, ManagedPostgres>()
  return (entry) => {
    if (!queues.includes(entry.cloud))
      throw new Error(`an activity asked for ${entry.cloud} in a worker that serves only ${queues.join(', ')}`)
    const key = keyOf(entry)
    const adapter = adapters.get(key) ?? createAdapter(entry, access)
    adapters.set(key, adapter)
    return adapter
  }
}

function keyOf(entry: DatabaseEntry): string {
  const { cloud, account, region } = entry
  // RDS goes by its credentials: what account they are of shows in what is found.
  if (entry.cloud === 'aws') return `${cloud}/${region}${entry.aurora ? '/aurora' : ''}`
  if (entry.cloud === 'gcp') return `${cloud}/${account}/${region}`
  const { resourceGroup, copiesResourceGroup = resourceGroup } = entry
  return `${cloud}/${account}/${region}/${resourceGroup}/${copiesResourceGroup}`.toLowerCase()
}

function createAdapter(entry: DatabaseEntry, access: CloudAccess): ManagedPostgres {
  switch (entry.cloud) {
    case 'aws':
      return (entry.aurora ? createAurora : createRds)({ region: entry.region, maxAttempts: 3 })
    case 'azure':
      return createAzure(entry, access.azure)
    case 'gcp':
      return createGoogle(entry, access.gcp)
  }
}

/** Null: a zone of a cloud whose queue this worker does not serve, and whose credentials it does not hold. */
export function createZones(queues: readonly TaskQueue[], access: CloudAccess): (zone: DnsZone) => DnsZonePort | null {
  const zones = new Map<string, DnsZonePort>()
  return (zone) => {
    if (!queues.includes(zone.provider)) return null
    const key = canonicalJson(zone)
    const made = zones.get(key) ?? createZone(zone, access)
    zones.set(key, made)
    return made
  }
}

function createZone(zone: DnsZone, { azure, gcp }: CloudAccess): DnsZonePort {
  switch (zone.provider) {
    case 'aws':
      // it has one region, whatever region databases are in
      return hostedZone(zone.id, { region: 'us-east-1', maxAttempts: 3 })
    case 'azure':
      return azureZone(zone, { ...(azure.token !== null && { token: azure.token }), client: azurePlace(azure) })
    case 'gcp':
      return managedZone(zone, ownGoogle(gcp))
  }
}

/** An API of one's own, such as a lab's, has Cloud DNS as well, for the same token; Google's are apart. */
function ownGoogle({ endpoint, token }: CloudAccess['gcp']) {
  if (endpoint === null || /\.googleapis\.com$/i.test(new URL(endpoint).hostname)) return {}
  return { endpoint, ...(token !== null && { token }) }
}

function azurePlace({ endpoint, authority }: CloudAccess['azure']) {
  return {
    ...(endpoint !== null && { endpoint }),
    ...(authority !== null && { tlsOptions: { ca: authority } }),
  }
}

function createAzure(entry: Extract<DatabaseEntry, { cloud: 'azure' }>, azure: CloudAccess['azure']): ManagedPostgres {
  const { account: subscription, resourceGroup, copiesResourceGroup, region: location } = entry
  return createFlexibleServer({
    subscription,
    resourceGroup,
    location,
    ...(copiesResourceGroup !== undefined && { copiesResourceGroup }),
    ...(azure.token !== null && { token: azure.token }),
    ...(azure.port !== null && { port: azure.port }),
    client: azurePlace(azure),
  })
}

function createGoogle({ account: project, region }: DatabaseEntry, google: CloudAccess['gcp']): ManagedPostgres {
  return createCloudSql({
    project,
    region,
    ...(google.endpoint !== null && { endpoint: google.endpoint }),
    ...(google.port !== null && { port: google.port }),
    ...(google.token !== null && { token: google.token }),
  })
}
