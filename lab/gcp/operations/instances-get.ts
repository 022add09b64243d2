/** instances.get */
import { findInstance, type Operation } from '../cloud'
import { instanceView } from '../views'

export const getInstance: Operation = async (call) => instanceView(call.cloud, findInstance(call), call.prefix)
