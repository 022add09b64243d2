/** Configurations_Get. */
import { findServer, type Operation } from '../cloud'
import { configurationView, findParameter } from '../configurations'

export const getConfiguration: Operation = async (call) => {
  const server = findServer(call)
  return { status: 200, body: configurationView(server, await findParameter(call, server)) }
}
