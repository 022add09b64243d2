/** DescribeDBParameters: those of a DB parameter group. */
import type { Operation } from '../cloud'
import { findGroup } from '../parameters'
import { parameterPage } from './parameter-list'

export const describeDbParameters: Operation<'DescribeDBParameters'> = async (call) =>
  parameterPage(call, findGroup(call.cloud.state, call.region, call.query.required('DBParameterGroupName')))
