/** CopyDBSnapshot: within a region by name or ARN, from another region by ARN, sent to the region where the copy is to be. The URL
 *  that an SDK signs for the source's region is not looked at: this lab is every region. */
import type { Call, Operation } from '../cloud'
import { AwsError } from '../errors'
import { parseSnapshotIdentifier } from '../identifiers'
import { type DbSnapshot, key } from '../state'
import { snapshotView } from '../views'
import { addCopy, placeOfSource } from './new-copy'
import { requireNewSnapshot } from './new-snapshot'

export const copyDbSnapshot: Operation<'CopyDBSnapshot'> = async (call) => {
  const { cloud, query, region } = call
  const id = parseSnapshotIdentifier('TargetDBSnapshotIdentifier', query.required('TargetDBSnapshotIdentifier'))
  const source = findSource(call)
  const name = requireNewSnapshot(cloud.state, region, id)
  if (source.status !== 'available') {
    throw new AwsError('InvalidDBSnapshotState', `DBSnapshot ${source.id} cannot be copied: it is ${source.status}.`)
  }
  return { DBSnapshot: snapshotView(cloud, await addCopy(call, source, { id, name })) }
}

/** @throws AwsError DBSnapshotNotFound, InvalidParameterValue. */
function findSource(call: Call): DbSnapshot {
  const named = call.query.required('SourceDBSnapshotIdentifier')
  const { region, id } = placeOfSource(call, named, 'snapshot')
  const snapshot = call.cloud.state.snapshots[key(region, id)]
  if (!snapshot || snapshot.ofCluster) throw new AwsError('DBSnapshotNotFound', `DBSnapshot ${named} not found.`)
  return snapshot
}
