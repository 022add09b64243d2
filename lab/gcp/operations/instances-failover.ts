/** instances.failover: of a highly available instance to its other zone. There is one server here: it ends as in a power cut, recovers, and
 *  the zones change places. */
import { findInstance, type Operation, promise, requireIdle, requireRunning } from '../cloud'
import { GcpError } from '../errors'
import { messageOf } from '../merge'
import { checkVersion } from '../settings-version'
import { operationView } from '../views'

export const failoverInstance: Operation = async (call) => {
  const instance = findInstance(call)
  if (instance.settings.availabilityType !== 'REGIONAL') {
    throw new GcpError('invalidOperation', "The operation isn't valid for this instance: it is not highly available.")
  }
  requireIdle(call, instance)
  requireRunning(call, instance)
  checkVersion(instance, messageOf(call.body.failoverContext).settingsVersion)
  return operationView(await promise(call, instance, { type: 'FAILOVER' }, { kind: 'failover' }), call.prefix)
}
