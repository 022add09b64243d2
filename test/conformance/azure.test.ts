/** `CAPSTAN_CONFORMANCE_AZURE`: {"account": subscription, "resourceGroup", "copiesResourceGroup", "region": location, "classes": [small, larger]
 *  (none burstable: those have no backups on demand), "storageGib", "admitted": [networks that this machine is in]}. */
import { readFileSync } from 'node:fs'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { connect, openLab } from '../lab/fixture'
import { azureIdentity } from '../policies/identities'
import { type CloudUnderTest, type OpenCloud, type RealAccount, realAccount } from './cloud-under-test'
import { faultsOf } from './lab-faults'
import { testManagedPostgres } from './managed-postgres'
import { plainQuery } from './query'

const real = realAccount('azure')

const underTest: CloudUnderTest = {
  cloud: 'azure',
  capabilities: createFlexibleServer({ subscription: '', resourceGroup: '', location: '' }).capabilities,
  staticParameter: 'max_logical_replication_workers',
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
        configure: 'Servers_Update',
        tag: 'Servers_Update',
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
  // the suite makes and removes instances of its own beside its copies, which no operation does
  const groups = { production: 'conformance', copies: 'conformance-copies' }
  const token = await azureIdentity(lab, 'operator', { ...groups, cleaned: [groups.production, groups.copies] })
  return {
    adapter: createFlexibleServer({
      subscription: subscriptionId,
      resourceGroup: groups.production,
      copiesResourceGroup: groups.copies,
      location: 'eastus',
      token,
      port: dataPort,
      client: { endpoint: tlsApi, tlsOptions: { ca } },
    }),
    account: subscriptionId,
    region: 'eastus',
    classes: ['Standard_D2ds_v5', 'Standard_D4ds_v5'],
    storageGib: 64,
    elsewhere: null,
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
    publish: null,
    close: () => lab.remove(),
  }
}

/** As whomever the vendor's default chain of credentials finds. */
async function openReal({ resourceGroup, copiesResourceGroup, ...wanted }: RealAccount): Promise<OpenCloud> {
  const { account: subscription, region: location } = wanted
  if (resourceGroup === undefined || copiesResourceGroup === undefined) throw new Error('which resource groups?')
  return {
    ...wanted,
    adapter: createFlexibleServer({ subscription, resourceGroup, copiesResourceGroup, location }),
    elsewhere: null,
    masterName: 'boss',
    nobody: [],
    lookEveryMs: 10_000,
    faults: null,
    query: (endpoint, password, sql) => plainQuery({ ...endpoint, user: 'boss', password }, sql),
    ownParameters: async () => {},
    unprotect: async () => {},
    publish: null,
    close: async () => {},
  }
}

testManagedPostgres(underTest)
