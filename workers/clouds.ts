/** Adapters by what holds the instances, made once, for the clouds whose queues this worker serves. The vendors' SDKs are loaded by the adapters
 *  on first use, and so are their default chains of credentials. */

import type { ActivityDeps } from '../activities/deps'
import { createAurora } from '../clouds/aws/aurora/aurora'
import { createRds } from '../clouds/aws/rds'
import { createFlexibleServer } from '../clouds/azure/flexible-server'
import { createCloudSql } from '../clouds/gcp/cloud-sql'
import type { ManagedPostgres } from '../clouds/port'
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

function createAzure(entry: Extract<DatabaseEntry, { cloud: 'azure' }>, azure: CloudAccess['azure']): ManagedPostgres {
  const { account: subscription, resourceGroup, copiesResourceGroup, region: location } = entry
  const given = {
    ...(azure.endpoint !== null && { endpoint: azure.endpoint }),
    ...(azure.authority !== null && { tlsOptions: { ca: azure.authority } }),
  }
  return createFlexibleServer({
    subscription,
    resourceGroup,
    location,
    ...(copiesResourceGroup !== undefined && { copiesResourceGroup }),
    ...(azure.token !== null && { token: azure.token }),
    ...(azure.port !== null && { port: azure.port }),
    client: given,
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
