/** RebootDBInstance: a real restart; static parameters take effect. With a failover it is a crash, from which the other zone recovers:
 *  what the zones of a Multi-AZ instance share is the storage, so nothing else is seen of it. */
import { findInstance, type Operation, promised, takesChanges } from '../cloud'
import { AwsError, invalidCombination } from '../errors'
import { instanceView } from '../views'

export const rebootDbInstance: Operation<'RebootDBInstance'> = async (call) => {
  const { cloud, query } = call
  const instance = findInstance(call)
  if (instance.status !== 'incompatible-parameters' && !takesChanges(call, instance)) {
    throw new AwsError('InvalidDBInstanceState', `Instance ${instance.id} is not currently in the available state.`)
  }
  const failover = query.flag('ForceFailover') === true
  if (failover && !instance.multiAz) {
    throw invalidCombination(`ForceFailover cannot be specified: ${instance.id} is not a Multi-AZ instance.`)
  }
  instance.status = 'rebooting'
  instance.tasks.push(promised(call, { kind: 'reboot', ...(failover && { failover }) }))
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBInstance: instanceView(cloud, instance) }
}
