/** `CAPSTAN_CONFORMANCE_AURORA`: {"account", "region", "classes": [small, larger], "storageGib": null, "admitted": [security groups that let this
 *  machine in], "nobody": [one that lets nobody in]}. */
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { type CloudUnderTest, realAccount } from './cloud-under-test'
import { testManagedPostgres } from './managed-postgres'
import { openAws } from './on-aws'

const real = realAccount('aurora')

const underTest: CloudUnderTest = {
  cloud: 'aws',
  capabilities: createAurora({ region: 'us-east-1' }).capabilities,
  staticParameter: 'max_worker_processes',
  wire: real
    ? null
    : {
        describe: 'DescribeDBClusters',
        create: 'CreateDBCluster',
        remove: 'DeleteDBCluster',
        scale: 'ModifyDBInstance',
        restart: 'RebootDBInstance',
        snapshot: 'CreateDBClusterSnapshot',
        snapshotRemoval: 'DeleteDBClusterSnapshot',
        snapshotCopy: 'CopyDBClusterSnapshot',
        passwordReset: 'ModifyDBCluster',
        configure: 'ModifyDBCluster',
        tag: 'AddTagsToResource',
        restore: [
          'CreateDBClusterParameterGroup',
          'ModifyDBClusterParameterGroup',
          'CreateDBParameterGroup',
          'CreateDBInstance',
          'RestoreDBClusterFromSnapshot',
        ],
        restoreToTime: ['RestoreDBClusterToPointInTime', 'CreateDBInstance'],
        replica: '',
        promotion: '',
        busy: { kind: 'fail', operation: 'CreateDBClusterSnapshot', code: 'InvalidDBClusterStateFault' },
      },
  open: openAws(
    {
      create: createAurora,
      classes: ['db.t4g.medium', 'db.serverless/0.5-4'],
      storageGib: null,
      family: 'aurora-postgresql17',
      async writerOf(rds, DBClusterIdentifier) {
        const { DBClusters } = await rds.describeDBClusters({ DBClusterIdentifier })
        return DBClusters![0]!.DBClusterMembers!.find(({ IsClusterWriter }) => IsClusterWriter)!.DBInstanceIdentifier!
      },
      async unprotect(rds, DBClusterIdentifier) {
        await rds.modifyDBCluster({ DBClusterIdentifier, DeletionProtection: false })
      },
    },
    real,
  ),
}

testManagedPostgres(underTest)
