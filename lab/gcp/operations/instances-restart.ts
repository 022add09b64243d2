/** instances.restart: a real one. */
import { findInstance, type Operation, promise, requireIdle, requireRunning } from '../cloud'
import { operationView } from '../views'

export const restartInstance: Operation = async (call) => {
  const instance = findInstance(call)
  requireIdle(call, instance)
  requireRunning(call, instance)
  return operationView(await promise(call, instance, { type: 'RESTART' }, { kind: 'restart' }), call.prefix)
}
