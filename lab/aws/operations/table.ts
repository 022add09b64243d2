/** Action → operation. What is not here is answered with InvalidAction, as an action that RDS does not know. After a change here:
 *  `node scripts/rds-model.js`. */
import type { Operation } from '../cloud'
import type { Action } from '../protocol/model'
import { addTagsToResource } from './add-tags-to-resource'
import { copyDbClusterSnapshot } from './copy-db-cluster-snapshot'
import { copyDbParameterGroup } from './copy-db-parameter-group'
import { copyDbSnapshot } from './copy-db-snapshot'
import { createDbCluster } from './create-db-cluster'
import { createDbClusterSnapshot } from './create-db-cluster-snapshot'
import { createDbInstance } from './create-db-instance'
import { createDbInstanceReadReplica } from './create-db-instance-read-replica'
import { createDbParameterGroup } from './create-db-parameter-group'
import { createDbSnapshot } from './create-db-snapshot'
import { createDbSubnetGroup } from './create-db-subnet-group'
import { deleteDbCluster } from './delete-db-cluster'
import { deleteDbClusterSnapshot } from './delete-db-cluster-snapshot'
import { deleteDbInstance } from './delete-db-instance'
import { deleteDbInstanceAutomatedBackup } from './delete-db-instance-automated-backup'
import { deleteDbParameterGroup } from './delete-db-parameter-group'
import { deleteDbSnapshot } from './delete-db-snapshot'
import { deleteDbSubnetGroup } from './delete-db-subnet-group'
import { describeAccountAttributes } from './describe-account-attributes'
import { describeDbClusterSnapshotAttributes } from './describe-db-cluster-snapshot-attributes'
import { describeDbClusterSnapshots } from './describe-db-cluster-snapshots'
import { describeDbClusters } from './describe-db-clusters'
import { describeDbEngineVersions } from './describe-db-engine-versions'
import { describeDbInstanceAutomatedBackups } from './describe-db-instance-automated-backups'
import { describeDbInstances } from './describe-db-instances'
import { describeDbLogFiles } from './describe-db-log-files'
import { describeDbParameterGroups } from './describe-db-parameter-groups'
import { describeDbParameters } from './describe-db-parameters'
import { describeDbSnapshotAttributes } from './describe-db-snapshot-attributes'
import { describeDbSnapshots } from './describe-db-snapshots'
import { describeDbSubnetGroups } from './describe-db-subnet-groups'
import { describeEventCategories } from './describe-event-categories'
import { describeEvents } from './describe-events'
import { describeOrderableDbInstanceOptions } from './describe-orderable-db-instance-options'
import { downloadDbLogFilePortion } from './download-db-log-file-portion'
import { failoverDbCluster } from './failover-db-cluster'
import { listTagsForResource } from './list-tags-for-resource'
import { modifyDbCluster } from './modify-db-cluster'
import { modifyDbClusterSnapshotAttribute } from './modify-db-cluster-snapshot-attribute'
import { modifyDbInstance } from './modify-db-instance'
import { modifyDbParameterGroup } from './modify-db-parameter-group'
import { modifyDbSnapshotAttribute } from './modify-db-snapshot-attribute'
import { modifyDbSubnetGroup } from './modify-db-subnet-group'
import { promoteReadReplica } from './promote-read-replica'
import { rebootDbInstance } from './reboot-db-instance'
import { removeTagsFromResource } from './remove-tags-from-resource'
import { resetDbParameterGroup } from './reset-db-parameter-group'
import { restoreDbClusterFromSnapshot } from './restore-db-cluster-from-snapshot'
import { restoreDbClusterToPointInTime } from './restore-db-cluster-to-point-in-time'
import { restoreDbInstanceFromDbSnapshot } from './restore-db-instance-from-db-snapshot'
import { restoreDbInstanceToPointInTime } from './restore-db-instance-to-point-in-time'
import { startDbCluster } from './start-db-cluster'
import { startDbInstance } from './start-db-instance'
import { stopDbCluster } from './stop-db-cluster'
import { stopDbInstance } from './stop-db-instance'
import { switchoverReadReplica } from './switchover-read-replica'

/** Each answers what the service model says of it, and each action of ../generated/ is here: the compiler holds them equal. */
const TABLE: { readonly [A in Action]: Operation<A> } = {
  AddTagsToResource: addTagsToResource,
  CopyDBClusterSnapshot: copyDbClusterSnapshot,
  CopyDBParameterGroup: copyDbParameterGroup,
  CopyDBSnapshot: copyDbSnapshot,
  CreateDBCluster: createDbCluster,
  CreateDBClusterSnapshot: createDbClusterSnapshot,
  CreateDBInstance: createDbInstance,
  CreateDBInstanceReadReplica: createDbInstanceReadReplica,
  CreateDBParameterGroup: createDbParameterGroup,
  CreateDBSnapshot: createDbSnapshot,
  CreateDBSubnetGroup: createDbSubnetGroup,
  DeleteDBCluster: deleteDbCluster,
  DeleteDBClusterSnapshot: deleteDbClusterSnapshot,
  DeleteDBInstance: deleteDbInstance,
  DeleteDBInstanceAutomatedBackup: deleteDbInstanceAutomatedBackup,
  DeleteDBParameterGroup: deleteDbParameterGroup,
  DeleteDBSnapshot: deleteDbSnapshot,
  DeleteDBSubnetGroup: deleteDbSubnetGroup,
  DescribeAccountAttributes: describeAccountAttributes,
  DescribeDBClusterSnapshotAttributes: describeDbClusterSnapshotAttributes,
  DescribeDBClusterSnapshots: describeDbClusterSnapshots,
  DescribeDBClusters: describeDbClusters,
  DescribeDBEngineVersions: describeDbEngineVersions,
  DescribeDBInstanceAutomatedBackups: describeDbInstanceAutomatedBackups,
  DescribeDBInstances: describeDbInstances,
  DescribeDBLogFiles: describeDbLogFiles,
  DescribeDBParameterGroups: describeDbParameterGroups,
  DescribeDBParameters: describeDbParameters,
  DescribeDBSnapshotAttributes: describeDbSnapshotAttributes,
  DescribeDBSnapshots: describeDbSnapshots,
  DescribeDBSubnetGroups: describeDbSubnetGroups,
  DescribeEventCategories: describeEventCategories,
  DescribeEvents: describeEvents,
  DescribeOrderableDBInstanceOptions: describeOrderableDbInstanceOptions,
  DownloadDBLogFilePortion: downloadDbLogFilePortion,
  FailoverDBCluster: failoverDbCluster,
  ListTagsForResource: listTagsForResource,
  ModifyDBCluster: modifyDbCluster,
  ModifyDBClusterSnapshotAttribute: modifyDbClusterSnapshotAttribute,
  ModifyDBInstance: modifyDbInstance,
  ModifyDBParameterGroup: modifyDbParameterGroup,
  ModifyDBSnapshotAttribute: modifyDbSnapshotAttribute,
  ModifyDBSubnetGroup: modifyDbSubnetGroup,
  PromoteReadReplica: promoteReadReplica,
  RebootDBInstance: rebootDbInstance,
  RemoveTagsFromResource: removeTagsFromResource,
  ResetDBParameterGroup: resetDbParameterGroup,
  RestoreDBClusterFromSnapshot: restoreDbClusterFromSnapshot,
  RestoreDBClusterToPointInTime: restoreDbClusterToPointInTime,
  RestoreDBInstanceFromDBSnapshot: restoreDbInstanceFromDbSnapshot,
  RestoreDBInstanceToPointInTime: restoreDbInstanceToPointInTime,
  StartDBCluster: startDbCluster,
  StartDBInstance: startDbInstance,
  StopDBCluster: stopDbCluster,
  StopDBInstance: stopDbInstance,
  SwitchoverReadReplica: switchoverReadReplica,
}

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>(Object.entries(TABLE))
