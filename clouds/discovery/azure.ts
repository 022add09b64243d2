/** The flexible servers of a subscription. Nothing else in it is asked for: Azure keeps other engines behind APIs of their own. */
import type { Server } from '@azure/arm-postgresql-flexible'
import { type AzureConfig, lazyAzure } from '../azure/client'
import { serverDescription } from '../azure/describe'
import { type Discover, type FoundInstance, orWithoutCredentials } from './found'

export interface AzureAccount extends Pick<AzureConfig, 'subscription' | 'token' | 'client'> {
  /** Null: all of the subscription, which wants a role that reaches as far. */
  readonly resourceGroup: string | null
}

export function discoverFlexibleServers({ resourceGroup, ...account }: AzureAccount): Discover {
  const azure = lazyAzure({ ...account, resourceGroup: resourceGroup ?? '' })
  return (options) => {
    const asked = azure.ask('Servers_List', options, async ({ servers }, request) => {
      const found: FoundInstance[] = []
      const pages =
        resourceGroup === null ? servers.listBySubscription(request) : servers.listByResourceGroup(resourceGroup, request)
      for await (const server of pages) found.push(foundServer(server))
      return found
    })
    return orWithoutCredentials(asked, AZURE)
  }
}

const AZURE = {
  cloud: 'Azure',
  how: 'run "az login", or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH',
}

function foundServer(raw: Server): FoundInstance {
  // /subscriptions/<subscription>/resourceGroups/<group>/providers/…
  const path = raw.id?.split('/') ?? []
  const described = serverDescription(raw)
  return {
    ...described,
    id: path.join('/').toLowerCase(),
    // Shown as `East US` by some of its answers.
    region: raw.location.toLowerCase().replace(/ /g, ''),
    resourceGroup: path[4] ?? '',
    engine: 'postgres',
    cluster: false,
    master: raw.administratorLogin ?? null,
    database: null,
    backupDays: raw.backup?.backupRetentionDays ?? null,
    backupsKept: null,
    replicaOf: described.replicaOf === null ? null : (raw.sourceServerResourceId ?? '').toLowerCase(),
  }
}
