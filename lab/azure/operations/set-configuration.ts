/** Configurations_Update and Configurations_Put: one parameter. Some take effect at the next restart only. */
import { findParent, type Operation, requireState } from '../cloud'
import { findParameter } from '../configurations'
import { invalidParameter } from '../errors'
import { checkValue } from '../parameters'
import { promise } from '../promises'
import { serverId } from '../protocol/path'

export const setConfiguration: Operation = async (call) => {
  const { body } = call
  const server = findParent(call, 'configurations')
  const parameter = await findParameter(call, server)
  const wanted = body.text('properties.value')
  const source = body.choice('properties.source', ['user-override', 'system-default'] as const)
  if (wanted === undefined && source !== 'system-default') throw invalidParameter('value')
  const value = wanted === undefined ? checkValue(parameter, parameter.defaultValue) : checkValue(parameter, wanted)
  requireState(call, server, 'Ready', 'Inaccessible')
  return promise(call, server, {
    kind: 'UpsertServerConfigurationManagementOperation',
    resource: serverId(server, 'configurations', parameter.name),
    job: { kind: 'configure', name: parameter.name, value: source === 'system-default' ? null : value },
    ...(server.state === 'Ready' && { show: 'Updating' as const }),
  })
}
