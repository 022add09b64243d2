/** RebootDBInstance: a real restart; static parameters take effect. */
import { findInstance, type Operation, requireAvailable } from '../cloud'
import { invalidCombination } from '../errors'
import { instanceView } from '../views'

export const rebootDbInstance: Operation = async (call) => {
  const { cloud, query } = call
  const instance = findInstance(call)
  if (instance.status !== 'incompatible-parameters') requireAvailable(instance)
  if (query.flag('ForceFailover') === true && !instance.multiAz) {
    throw invalidCombination(`ForceFailover cannot be specified: ${instance.id} is not a Multi-AZ instance.`)
  }
  instance.status = 'rebooting'
  instance.tasks.push({ kind: 'reboot' })
  await cloud.save()
  cloud.tasks.wake(instance)
  return { DBInstance: instanceView(cloud, instance) }
}
