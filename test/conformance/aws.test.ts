/** `CAPSTAN_CONFORMANCE_AWS`: {"account", "region", "classes": [small, larger], "storageGib", "admitted": [security groups that let this
 *  machine in], "nobody": [one that lets nobody in]}. */
import { createRds } from '../../clouds/aws/rds'
import { type CloudUnderTest, realAccount } from './cloud-under-test'
import { testManagedPostgres } from './managed-postgres'
import { openAws } from './on-aws'

const real = realAccount('aws')

const underTest: CloudUnderTest = {
  cloud: 'aws',
  capabilities: createRds({ region: 'us-east-1' }).capabilities,
  staticParameter: 'max_logical_replication_workers',
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
        snapshotCopy: 'CopyDBSnapshot',
        passwordReset: 'ModifyDBInstance',
        configure: 'ModifyDBInstance',
        tag: 'AddTagsToResource',
        restore: ['CreateDBParameterGroup', 'ModifyDBParameterGroup', 'RestoreDBInstanceFromDBSnapshot'],
        restoreToTime: ['RestoreDBInstanceToPointInTime'],
        replica: 'CreateDBInstanceReadReplica',
        promotion: 'PromoteReadReplica',
      },
  open: openAws(
    {
      create: createRds,
      classes: ['db.t4g.micro', 'db.t4g.small'],
      storageGib: 20,
      family: 'postgres17',
      writerOf: async (_, instance) => instance,
      async unprotect(rds, DBInstanceIdentifier) {
        await rds.modifyDBInstance({ DBInstanceIdentifier, DeletionProtection: false })
      },
    },
    real,
  ),
}

testManagedPostgres(underTest)
