/** instances.get */
import { findInstance, type Operation } from '../cloud'
import { instanceView } from '../views'

export const getInstance: Operation = async (call) => {
  const authority = await call.cloud.authority()
  return instanceView(call.cloud, findInstance(call), call.prefix, authority)
}
