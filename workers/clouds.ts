/** Adapters by what holds the instances, made once, for the clouds whose queues this worker serves. The vendors' SDKs are loaded by the adapters
 *  on first use, and so are their default chains of credentials. */

import type { ActivityDeps } from '../activities/deps'
import { createRds } from '../clouds/aws/rds'
import type { AzureConfig } from '../clouds/azure/client'
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
  if (cloud === 'aws') return `${cloud}/${region}`
  return `${cloud}/${account}/${region}${entry.cloud === 'azure' ? `/${entry.resourceGroup.toLowerCase()}` : ''}`
}

function createAdapter(entry: DatabaseEntry, access: CloudAccess): ManagedPostgres {
  switch (entry.cloud) {
    case 'aws':
      return createRds({ region: entry.region, maxAttempts: 3 })
    case 'azure':
      return createAzure(entry, access.azure)
    case 'gcp':
      return createGoogle(entry, access.gcp)
  }
}

function createAzure(entry: Extract<DatabaseEntry, { cloud: 'azure' }>, azure: CloudAccess['azure']): ManagedPostgres {
  const { account: subscription, resourceGroup, region: location } = entry
  const given = {
    ...(azure.endpoint !== null && { endpoint: azure.endpoint }),
    ...(azure.authority !== null && { tlsOptions: { ca: azure.authority } }),
  }
  return createFlexibleServer({
    subscription,
    resourceGroup,
    location,
    credential: azure.token === null ? defaultAzureCredential() : fixedToken(azure.token),
    ...(azure.port !== null && { port: azure.port }),
    client: given,
  })
}

/** Never renewed: a lab's does not end. */
function fixedToken(token: string): AzureConfig['credential'] {
  return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }
}

/** Environment, workload identity, managed identity, the CLI's: the vendor's chain, which a worker for Azure alone has to load. */
function defaultAzureCredential(): AzureConfig['credential'] {
  let made: Promise<AzureConfig['credential']> | null = null
  return {
    async getToken(scopes, options) {
      made ??= import('@azure/identity').then(({ DefaultAzureCredential }) => new DefaultAzureCredential())
      return (await made).getToken(scopes, options)
    },
  }
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
