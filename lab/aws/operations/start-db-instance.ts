/** StartDBInstance: of one that is stopped, and of no other. */
import { findInstance, type Operation, promised } from '../cloud'
import { AwsError } from '../errors'
import { requireAlone } from '../replicas'
import { instanceView } from '../views'

export const startDbInstance: Operation<'StartDBInstance'> = async (call) => {
  const { cloud } = call
  const instance = findInstance(call)
  if (instance.cluster !== null) requireAlone(cloud.state, instance, 'started')
  if (instance.status !== 'stopped') {
    throw new AwsError('InvalidDBInstanceState', `Instance ${instance.id} is not stopped and cannot be started.`)
  }
  instance.status = 'starting'
  instance.tasks.push(promised(call, { kind: 'start' }))
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBInstance: instanceView(cloud, instance) }
}
