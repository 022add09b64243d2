/** DescribeDBClusterSnapshotAttributes: who may restore it. */
import { findClusterSnapshot, type Operation } from '../cloud'
import { clusterAttributesView } from './snapshot-attributes'

export const describeDbClusterSnapshotAttributes: Operation<'DescribeDBClusterSnapshotAttributes'> = async (call) => ({
  DBClusterSnapshotAttributesResult: clusterAttributesView(
    findClusterSnapshot(call, call.query.required('DBClusterSnapshotIdentifier')),
  ),
})
