/** DescribeDBClusterParameters: those of a cluster's parameter group, which has more of them than a group of one member. */
import type { Operation } from '../cloud'
import { findClusterGroup } from '../parameters'
import { parameterPage } from './parameter-list'

export const describeDbClusterParameters: Operation<'DescribeDBClusterParameters'> = async (call) =>
  parameterPage(call, findClusterGroup(call.cloud.state, call.region, call.query.required('DBClusterParameterGroupName')))
