/** DescribeDBSnapshotAttributes: who may restore it. */
import { findSnapshot, type Operation } from '../cloud'
import { attributesView } from './snapshot-attributes'

export const describeDbSnapshotAttributes: Operation<'DescribeDBSnapshotAttributes'> = async (call) => ({
  DBSnapshotAttributesResult: attributesView(findSnapshot(call)),
})
