/** `CAPSTAN_CONFORMANCE_AWS`: {"account", "region", "classes": [small, larger], "storageGib", "admitted": [security groups that let this
 *  machine in], "nobody": [one that lets nobody in]}. */
import { RDS } from '@aws-sdk/client-rds'
import { createRds } from '../../clouds/aws/rds'
import { connect, openLab } from '../lab/fixture'
import { awsIdentity } from '../policies/identities'
import { type CloudUnderTest, type OpenCloud, realAccount } from './cloud-under-test'
import { faultsOf } from './lab-faults'
import { testManagedPostgres } from './managed-postgres'
import { plainQuery } from './query'

const real = realAccount('aws')

const underTest: CloudUnderTest = {
  cloud: 'aws',
  capabilities: createRds({ region: 'us-east-1' }).capabilities,
  wire: real
    ? null
    : {
        describe: 'DescribeDBInstances',
        create: 'CreateDBInstance',
        remove: 'DeleteDBInstance',
        scale: 'ModifyDBInstance',
        restart: 'RebootDBInstance',
        snapshot: 'CreateDBSnapshot',
        snapshotRemoval: 'DeleteDBSnapshot',
        passwordReset: 'ModifyDBInstance',
        restore: ['CreateDBParameterGroup', 'ModifyDBParameterGroup', 'RestoreDBInstanceFromDBSnapshot'],
        restoreToTime: ['RestoreDBInstanceToPointInTime'],
        replica: 'CreateDBInstanceReadReplica',
        promotion: 'PromoteReadReplica',
      },
  open: () => (real ? openReal(real) : openInLab()),
}

async function openInLab(): Promise<OpenCloud> {
  const lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  // allowed what the shipped policy allows; the suite's own instance is called conf-…, which no copy of Capstan's is
  const credentials = await awsIdentity(lab, 'operator', (policy) => policy.replaceAll(':cap-*', ':c*'))
  return {
    adapter: createRds({ region: 'us-east-1', endpoint: lab.lab.api, credentials: { ...credentials }, maxAttempts: 3 }),
    account: '000000000000',
    region: 'us-east-1',
    classes: ['db.t4g.micro', 'db.t4g.small'],
    storageGib: 20,
    masterName: 'boss',
    admitted: [lab.group],
    nobody: ['sg-default'],
    lookEveryMs: 30,
    faults: faultsOf(lab),
    async query({ host, port }, password, sql) {
      const client = await connect(lab.client, { host, port, password, database: 'postgres' })
      return client
        .query(sql)
        .then(({ rows }) => rows)
        .finally(() => client.end())
    },
    ownParameters: (instance) => ownGroup(lab.rds, instance),
    unprotect: async () => {},
    close: () => lab.remove(),
  }
}

async function openReal(settings: Record<string, unknown>): Promise<OpenCloud> {
  const { region, ...wanted } = settings as Pick<
    OpenCloud,
    'account' | 'region' | 'classes' | 'storageGib' | 'admitted' | 'nobody'
  >
  const sdk = new RDS({ region })
  return {
    ...wanted,
    region,
    adapter: createRds({ region, maxAttempts: 3 }),
    masterName: 'boss',
    lookEveryMs: 10_000,
    faults: null,
    query: (endpoint, password, sql) => plainQuery({ ...endpoint, user: 'boss', password }, sql),
    ownParameters: (instance) => ownGroup(sdk, instance),
    unprotect: async (DBInstanceIdentifier) => {
      await sdk.modifyDBInstance({ DBInstanceIdentifier, DeletionProtection: false })
    },
    close: async () => {},
  }
}

async function ownGroup(rds: RDS, DBInstanceIdentifier: string): Promise<void> {
  const DBParameterGroupName = `${DBInstanceIdentifier}-own`
  const Tags = [{ Key: 'capstan-operation', Value: 'conformance' }]
  await rds.createDBParameterGroup({
    DBParameterGroupName,
    DBParameterGroupFamily: 'postgres17',
    Description: 'of one instance',
    Tags,
  })
  await rds.modifyDBInstance({ DBInstanceIdentifier, DBParameterGroupName })
}

testManagedPostgres(underTest)
