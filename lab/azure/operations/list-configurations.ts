/** Configurations_ListByServer: all of them on one page. */
import { findServer, type Operation } from '../cloud'
import { configurationView, parametersFor } from '../configurations'

export const listConfigurations: Operation = async (call) => {
  const server = findServer(call)
  const parameters = await parametersFor(call, server)
  return { status: 200, body: { value: [...parameters.values()].map((parameter) => configurationView(server, parameter)) } }
}
