/** CreateDBSnapshot: a physical copy without stopping writes. The instance says `backing-up` meanwhile. */
import { findInstance, type Operation, promised, takesChanges } from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { parseSnapshotIdentifier, parseTags } from '../identifiers'
import { snapshotView } from '../views'
import { addSnapshot } from './new-snapshot'

export const createDbSnapshot: Operation<'CreateDBSnapshot'> = async (call) => {
  const { cloud, query } = call
  const id = parseSnapshotIdentifier('DBSnapshotIdentifier', query.required('DBSnapshotIdentifier'))
  const instance = findInstance(call)
  if (instance.cluster !== null) {
    throw invalidCombination(`${instance.id} is a member of a DB Cluster: take a snapshot of that (CreateDBClusterSnapshot).`)
  }
  const tags = parseTags(query.records('Tags'))
  const exists = cloud.state.snapshots[`${call.region}/${id}`] !== undefined
  // the name is looked at first: a repeat of a call that was lost meets its own snapshot, whatever the instance does now
  if (!exists && !takesChanges(call, instance)) {
    throw new AwsError(
      'InvalidDBInstanceState',
      `Cannot create a snapshot because the database instance ${instance.id} is not currently in the available state.`,
    )
  }
  const snapshot = addSnapshot(cloud, instance, id, tags)
  instance.status = 'backing-up'
  instance.tasks.push(promised(call, { kind: 'back-up', snapshot }))
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBSnapshot: cloud.state.snapshots[snapshot] && snapshotView(cloud, cloud.state.snapshots[snapshot]) }
}
