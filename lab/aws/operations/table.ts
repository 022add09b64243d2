/** Action → operation. What is not here is answered with InvalidAction, as an action that RDS does not know. */
import type { Operation } from '../cloud'
import type { Action } from '../protocol/model'
import { addTagsToResource } from './add-tags-to-resource'
import { copyDbParameterGroup } from './copy-db-parameter-group'
import { createDbInstance } from './create-db-instance'
import { createDbParameterGroup } from './create-db-parameter-group'
import { createDbSnapshot } from './create-db-snapshot'
import { deleteDbInstance } from './delete-db-instance'
import { deleteDbParameterGroup } from './delete-db-parameter-group'
import { deleteDbSnapshot } from './delete-db-snapshot'
import { describeDbInstances } from './describe-db-instances'
import { describeDbParameterGroups } from './describe-db-parameter-groups'
import { describeDbParameters } from './describe-db-parameters'
import { describeDbSnapshots } from './describe-db-snapshots'
import { listTagsForResource } from './list-tags-for-resource'
import { modifyDbInstance } from './modify-db-instance'
import { modifyDbParameterGroup } from './modify-db-parameter-group'
import { rebootDbInstance } from './reboot-db-instance'
import { removeTagsFromResource } from './remove-tags-from-resource'
import { restoreDbInstanceFromDbSnapshot } from './restore-db-instance-from-db-snapshot'

/** Each answers what the service model says of it, and each action of ../generated/ is here: the compiler holds them equal. */
const TABLE: { readonly [A in Action]: Operation<A> } = {
  AddTagsToResource: addTagsToResource,
  CopyDBParameterGroup: copyDbParameterGroup,
  CreateDBInstance: createDbInstance,
  CreateDBParameterGroup: createDbParameterGroup,
  CreateDBSnapshot: createDbSnapshot,
  DeleteDBInstance: deleteDbInstance,
  DeleteDBParameterGroup: deleteDbParameterGroup,
  DeleteDBSnapshot: deleteDbSnapshot,
  DescribeDBInstances: describeDbInstances,
  DescribeDBParameterGroups: describeDbParameterGroups,
  DescribeDBParameters: describeDbParameters,
  DescribeDBSnapshots: describeDbSnapshots,
  ListTagsForResource: listTagsForResource,
  ModifyDBInstance: modifyDbInstance,
  ModifyDBParameterGroup: modifyDbParameterGroup,
  RebootDBInstance: rebootDbInstance,
  RemoveTagsFromResource: removeTagsFromResource,
  RestoreDBInstanceFromDBSnapshot: restoreDbInstanceFromDbSnapshot,
}

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>(Object.entries(TABLE))
