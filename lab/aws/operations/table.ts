/** Action → operation. What is not here is answered with InvalidAction, as an action that RDS does not know. After a change here:
 *  `node scripts/rds-model.js`. */
import type { Operation } from '../cloud'
import type { Action } from '../protocol/model'
import { addTagsToResource } from './add-tags-to-resource'
import { copyDbClusterParameterGroup } from './copy-db-cluster-parameter-group'
import { copyDbClusterSnapshot } from './copy-db-cluster-snapshot'
import { copyDbParameterGroup } from './copy-db-parameter-group'
import { copyDbSnapshot } from './copy-db-snapshot'
import { createBlueGreenDeployment } from './create-blue-green-deployment'
import { createDbCluster } from './create-db-cluster'
import { createDbClusterParameterGroup } from './create-db-cluster-parameter-group'
import { createDbClusterSnapshot } from './create-db-cluster-snapshot'
import { createDbInstance } from './create-db-instance'
import { createDbInstanceReadReplica } from './create-db-instance-read-replica'
import { createDbParameterGroup } from './create-db-parameter-group'
import { createDbSnapshot } from './create-db-snapshot'
import { createDbSubnetGroup } from './create-db-subnet-group'
import { createGlobalCluster } from './create-global-cluster'
import { deleteBlueGreenDeployment } from './delete-blue-green-deployment'
import { deleteDbCluster } from './delete-db-cluster'
import { deleteDbClusterParameterGroup } from './delete-db-cluster-parameter-group'
import { deleteDbClusterSnapshot } from './delete-db-cluster-snapshot'
import { deleteDbInstance } from './delete-db-instance'
import { deleteDbInstanceAutomatedBackup } from './delete-db-instance-automated-backup'
import { deleteDbParameterGroup } from './delete-db-parameter-group'
import { deleteDbSnapshot } from './delete-db-snapshot'
import { deleteDbSubnetGroup } from './delete-db-subnet-group'
import { deleteGlobalCluster } from './delete-global-cluster'
import { describeAccountAttributes } from './describe-account-attributes'
import { describeBlueGreenDeployments } from './describe-blue-green-deployments'
import { describeDbClusterParameterGroups } from './describe-db-cluster-parameter-groups'
import { describeDbClusterParameters } from './describe-db-cluster-parameters'
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
import { describeGlobalClusters } from './describe-global-clusters'
import { describeOrderableDbInstanceOptions } from './describe-orderable-db-instance-options'
import { downloadDbLogFilePortion } from './download-db-log-file-portion'
import { failoverDbCluster } from './failover-db-cluster'
import { failoverGlobalCluster } from './failover-global-cluster'
import { listTagsForResource } from './list-tags-for-resource'
import { modifyDbCluster } from './modify-db-cluster'
import { modifyDbClusterParameterGroup } from './modify-db-cluster-parameter-group'
import { modifyDbClusterSnapshotAttribute } from './modify-db-cluster-snapshot-attribute'
import { modifyDbInstance } from './modify-db-instance'
import { modifyDbParameterGroup } from './modify-db-parameter-group'
import { modifyDbSnapshotAttribute } from './modify-db-snapshot-attribute'
import { modifyDbSubnetGroup } from './modify-db-subnet-group'
import { modifyGlobalCluster } from './modify-global-cluster'
import { promoteReadReplica } from './promote-read-replica'
import { rebootDbCluster } from './reboot-db-cluster'
import { rebootDbInstance } from './reboot-db-instance'
import { removeFromGlobalCluster } from './remove-from-global-cluster'
import { removeTagsFromResource } from './remove-tags-from-resource'
import { resetDbClusterParameterGroup } from './reset-db-cluster-parameter-group'
import { resetDbParameterGroup } from './reset-db-parameter-group'
import { restoreDbClusterFromSnapshot } from './restore-db-cluster-from-snapshot'
import { restoreDbClusterToPointInTime } from './restore-db-cluster-to-point-in-time'
import { restoreDbInstanceFromDbSnapshot } from './restore-db-instance-from-db-snapshot'
import { restoreDbInstanceToPointInTime } from './restore-db-instance-to-point-in-time'
import { startDbCluster } from './start-db-cluster'
import { startDbInstance } from './start-db-instance'
import { stopDbCluster } from './stop-db-cluster'
import { stopDbInstance } from './stop-db-instance'
import { switchoverBlueGreenDeployment } from './switchover-blue-green-deployment'
import { switchoverGlobalCluster } from './switchover-global-cluster'
import { switchoverReadReplica } from './switchover-read-replica'

/** Each answers what the service model says of it, and each action of ../generated/ is here: the compiler holds them equal. */
const TABLE: { readonly [A in Action]: Operation<A> } = {
  AddTagsToResource: addTagsToResource,
  CopyDBClusterParameterGroup: copyDbClusterParameterGroup,
  CopyDBClusterSnapshot: copyDbClusterSnapshot,
  CopyDBParameterGroup: copyDbParameterGroup,
  CopyDBSnapshot: copyDbSnapshot,
  CreateBlueGreenDeployment: createBlueGreenDeployment,
  CreateDBCluster: createDbCluster,
  CreateDBClusterParameterGroup: createDbClusterParameterGroup,
  CreateDBClusterSnapshot: createDbClusterSnapshot,
  CreateDBInstance: createDbInstance,
  CreateDBInstanceReadReplica: createDbInstanceReadReplica,
  CreateDBParameterGroup: createDbParameterGroup,
  CreateDBSnapshot: createDbSnapshot,
  CreateDBSubnetGroup: createDbSubnetGroup,
  CreateGlobalCluster: createGlobalCluster,
  DeleteBlueGreenDeployment: deleteBlueGreenDeployment,
  DeleteDBCluster: deleteDbCluster,
  DeleteDBClusterParameterGroup: deleteDbClusterParameterGroup,
  DeleteDBClusterSnapshot: deleteDbClusterSnapshot,
  DeleteDBInstance: deleteDbInstance,
  DeleteDBInstanceAutomatedBackup: deleteDbInstanceAutomatedBackup,
  DeleteDBParameterGroup: deleteDbParameterGroup,
  DeleteDBSnapshot: deleteDbSnapshot,
  DeleteDBSubnetGroup: deleteDbSubnetGroup,
  DeleteGlobalCluster: deleteGlobalCluster,
  DescribeAccountAttributes: describeAccountAttributes,
  DescribeDBClusterParameterGroups: describeDbClusterParameterGroups,
  DescribeDBClusterParameters: describeDbClusterParameters,
  DescribeBlueGreenDeployments: describeBlueGreenDeployments,
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
  DescribeGlobalClusters: describeGlobalClusters,
  DescribeOrderableDBInstanceOptions: describeOrderableDbInstanceOptions,
  DownloadDBLogFilePortion: downloadDbLogFilePortion,
  FailoverDBCluster: failoverDbCluster,
  FailoverGlobalCluster: failoverGlobalCluster,
  ListTagsForResource: listTagsForResource,
  ModifyDBCluster: modifyDbCluster,
  ModifyDBClusterParameterGroup: modifyDbClusterParameterGroup,
  ModifyDBClusterSnapshotAttribute: modifyDbClusterSnapshotAttribute,
  ModifyDBInstance: modifyDbInstance,
  ModifyDBParameterGroup: modifyDbParameterGroup,
  ModifyDBSnapshotAttribute: modifyDbSnapshotAttribute,
  ModifyDBSubnetGroup: modifyDbSubnetGroup,
  ModifyGlobalCluster: modifyGlobalCluster,
  PromoteReadReplica: promoteReadReplica,
  RebootDBCluster: rebootDbCluster,
  RebootDBInstance: rebootDbInstance,
  RemoveFromGlobalCluster: removeFromGlobalCluster,
  RemoveTagsFromResource: removeTagsFromResource,
  ResetDBClusterParameterGroup: resetDbClusterParameterGroup,
  ResetDBParameterGroup: resetDbParameterGroup,
  RestoreDBClusterFromSnapshot: restoreDbClusterFromSnapshot,
  RestoreDBClusterToPointInTime: restoreDbClusterToPointInTime,
  RestoreDBInstanceFromDBSnapshot: restoreDbInstanceFromDbSnapshot,
  RestoreDBInstanceToPointInTime: restoreDbInstanceToPointInTime,
  StartDBCluster: startDbCluster,
  StartDBInstance: startDbInstance,
  StopDBCluster: stopDbCluster,
  StopDBInstance: stopDbInstance,
  SwitchoverGlobalCluster: switchoverGlobalCluster,
  SwitchoverBlueGreenDeployment: switchoverBlueGreenDeployment,
  SwitchoverReadReplica: switchoverReadReplica,
}

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>(Object.entries(TABLE))
