/** StopDBInstance: its server is stopped, its data stays; after seven days it is started again without being asked. */
import { findInstance, type Operation, promised, takesChanges } from '../cloud'
import { AwsError } from '../errors'
import { parseSnapshotIdentifier } from '../identifiers'
import { requireAlone } from '../replicas'
import { instanceView } from '../views'
import { addSnapshot } from './new-snapshot'

export const stopDbInstance: Operation<'StopDBInstance'> = async (call) => {
  const { cloud, query } = call
  const instance = findInstance(call)
  if (!takesChanges(call, instance)) {
    throw new AwsError('InvalidDBInstanceState', `Instance ${instance.id} is not in available state.`)
  }
  requireAlone(cloud.state, instance, 'stopped')
  const wanted = query.text('DBSnapshotIdentifier')
  const id = wanted === undefined ? null : parseSnapshotIdentifier('DBSnapshotIdentifier', wanted)
  const snapshot = id === null ? null : addSnapshot(cloud, instance, id, {})
  instance.status = 'stopping'
  instance.tasks.push(promised(call, { kind: 'stop', snapshot }))
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBInstance: instanceView(cloud, instance) }
}
