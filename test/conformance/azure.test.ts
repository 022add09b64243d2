/** `CAPSTAN_CONFORMANCE_AZURE`: {"account": subscription, "resourceGroup", "region": location, "tenant", "clientId", "clientSecret", "classes":
 *  [small, larger] (none burstable: those have no backups on demand), "storageGib", "admitted": [networks that this machine is in]}. */
import { readFileSync } from 'node:fs'
import type { AzureConfig } from '../../clouds/azure/client'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { connect, openLab } from '../lab/fixture'
import { azureIdentity } from '../policies/identities'
import { type CloudUnderTest, type OpenCloud, realAccount } from './cloud-under-test'
import { faultsOf } from './lab-faults'
import { testManagedPostgres } from './managed-postgres'
import { plainQuery } from './query'

const real = realAccount('azure')
const NOBODY = { getToken: async () => null }

const underTest: CloudUnderTest = {
  cloud: 'azure',
  capabilities: createFlexibleServer({ subscription: '', resourceGroup: '', location: '', credential: NOBODY }).capabilities,
  wire: real
    ? null
    : {
        describe: 'Servers_Get',
        create: 'Servers_CreateOrUpdate',
        remove: 'Servers_Delete',
        scale: 'Servers_Update',
        restart: 'Servers_Restart',
        snapshot: 'BackupsAutomaticAndOnDemand_Create',
        snapshotRemoval: 'BackupsAutomaticAndOnDemand_Delete',
        passwordReset: 'Servers_Update',
        restore: ['Configurations_Update', 'Servers_Restart', 'FirewallRules_CreateOrUpdate', 'Servers_CreateOrUpdate'],
        restoreToTime: ['Servers_CreateOrUpdate'],
        replica: 'Servers_CreateOrUpdate',
        promotion: 'Servers_Update',
      },
  open: () => (real ? openReal(real) : openInLab()),
}

async function openInLab(): Promise<OpenCloud> {
  const lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  const { tlsApi, certificateFile, credentials, dataPort } = lab.lab
  const ca = readFileSync(certificateFile, 'utf8')
  const { subscriptionId } = credentials.azure
  const token = await azureIdentity(lab, 'operator', 'conformance')
  return {
    adapter: createFlexibleServer({
      subscription: subscriptionId,
      resourceGroup: 'conformance',
      location: 'eastus',
      credential: { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
      port: dataPort,
      client: { endpoint: tlsApi, tlsOptions: { ca } },
    }),
    account: subscriptionId,
    region: 'eastus',
    classes: ['Standard_D2ds_v5', 'Standard_D4ds_v5'],
    storageGib: 64,
    masterName: 'boss',
    admitted: [`${lab.client}/32`],
    nobody: [],
    lookEveryMs: 30,
    faults: faultsOf(lab),
    async query({ host, port }, password, sql) {
      const client = await connect(lab.client, { host, port, password, database: 'postgres', ssl: { ca } })
      return client
        .query(sql)
        .then(({ rows }) => rows)
        .finally(() => client.end())
    },
    ownParameters: async () => {},
    unprotect: async () => {},
    close: () => lab.remove(),
  }
}

interface RealAccount extends Pick<OpenCloud, 'account' | 'region' | 'classes' | 'storageGib' | 'admitted'> {
  readonly resourceGroup: string
  readonly tenant: string
  readonly clientId: string
  readonly clientSecret: string
}

async function openReal(settings: Record<string, unknown>): Promise<OpenCloud> {
  const { resourceGroup, tenant, clientId, clientSecret, ...wanted } = settings as unknown as RealAccount
  const { account: subscription, region: location } = wanted
  const credential = clientCredential({ tenant, clientId, clientSecret })
  return {
    ...wanted,
    adapter: createFlexibleServer({ subscription, resourceGroup, location, credential }),
    masterName: 'boss',
    nobody: [],
    lookEveryMs: 10_000,
    faults: null,
    query: (endpoint, password, sql) => plainQuery({ ...endpoint, user: 'boss', password }, sql),
    ownParameters: async () => {},
    unprotect: async () => {},
    close: async () => {},
  }
}

/** A service principal's, by the protocol's client credentials grant: `@azure/identity` is not installed. */
function clientCredential(who: { tenant: string; clientId: string; clientSecret: string }): AzureConfig['credential'] {
  return {
    async getToken(scopes) {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: who.clientId,
        client_secret: who.clientSecret,
        scope: [scopes].flat().join(' '),
      })
      const answer = await fetch(`https://login.microsoftonline.com/${who.tenant}/oauth2/v2.0/token`, { method: 'POST', body })
      const { access_token: token, expires_in: seconds } = (await answer.json()) as { access_token: string; expires_in: number }
      return { token, expiresOnTimestamp: Date.now() + seconds * 1_000 }
    },
  }
}

testManagedPostgres(underTest)
