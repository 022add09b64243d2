/** `CAPSTAN_CONFORMANCE_GCP`: {"account": project, "region", "classes": [small, larger], "storageGib", "admitted": [networks that this machine
 *  is in]}. */
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import { connect, openLab } from '../lab/fixture'
import { gcpIdentity } from '../policies/identities'
import { type CloudUnderTest, type OpenCloud, type RealAccount, realAccount } from './cloud-under-test'
import { faultsOf } from './lab-faults'
import { testManagedPostgres } from './managed-postgres'
import { plainQuery } from './query'

const real = realAccount('gcp')

const underTest: CloudUnderTest = {
  cloud: 'gcp',
  capabilities: createCloudSql({ project: '', region: '' }).capabilities,
  staticParameter: 'max_logical_replication_workers',
  wire: real
    ? null
    : {
        describe: 'instances.get',
        create: 'instances.insert',
        remove: 'instances.delete',
        scale: 'instances.patch',
        restart: 'instances.restart',
        snapshot: 'backups.createBackup',
        snapshotRemoval: 'backups.deleteBackup',
        passwordReset: 'users.update',
        configure: 'instances.patch',
        tag: 'instances.update',
        restore: ['instances.insert', 'instances.restoreBackup'],
        restoreToTime: ['instances.clone', 'instances.patch'],
        replica: 'instances.insert',
        promotion: 'instances.promoteReplica',
      },
  open: () => (real ? openReal(real) : openInLab()),
}

async function openInLab(): Promise<OpenCloud> {
  const lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  const { api, credentials, dataPort } = lab.lab
  const { projectId } = credentials.gcp
  // the suite's own instances are called conf-…, which no copy of Capstan's is
  const token = await gcpIdentity(lab, 'operator', (condition) => condition.replace('startsWith("cap-")', 'startsWith("c")'))
  return {
    adapter: createCloudSql({
      project: projectId,
      region: 'us-central1',
      endpoint: api,
      port: dataPort,
      token,
    }),
    account: projectId,
    region: 'us-central1',
    classes: ['db-f1-micro', 'db-g1-small'],
    storageGib: 10,
    elsewhere: null,
    masterName: 'postgres',
    admitted: [`${lab.client}/32`],
    nobody: [],
    lookEveryMs: 30,
    faults: faultsOf(lab),
    async query({ host, port }, password, sql) {
      const client = await connect(lab.client, { host, port, user: 'postgres', password, database: 'postgres' })
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

async function openReal(wanted: RealAccount): Promise<OpenCloud> {
  const { account: project, region } = wanted
  const { SqlInstancesServiceClient } = await import('@google-cloud/sql')
  return {
    ...wanted,
    adapter: createCloudSql({ project, region }),
    elsewhere: null,
    masterName: 'postgres',
    nobody: [],
    lookEveryMs: 10_000,
    faults: null,
    query: (endpoint, password, sql) => plainQuery({ ...endpoint, user: 'postgres', password }, sql),
    ownParameters: async () => {},
    async unprotect(instance) {
      const sdk = new SqlInstancesServiceClient({ fallback: 'rest' })
      await sdk.patch({ project, instance, body: { settings: { deletionProtectionEnabled: { value: false } } } })
    },
    publish: null,
    close: async () => {},
  }
}

testManagedPostgres(underTest)
