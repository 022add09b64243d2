/** FirewallRules_CreateOrUpdate: a range of addresses that is let in, from the next connection on. */
import { findParent, type Operation, requireState } from '../cloud'
import { AzureError, invalidParameter } from '../errors'
import { parseFirewallRuleName } from '../names'
import { isRange } from '../networks'
import { promise } from '../promises'
import { serverId } from '../protocol/path'

export const setFirewallRule: Operation = async (call) => {
  const { body, path } = call
  const server = findParent(call, 'firewallRules')
  const name = parseFirewallRuleName(path.child ?? '')
  const start = body.text('properties.startIpAddress')
  const end = body.text('properties.endIpAddress')
  if (start === undefined || !isRange(start, start)) throw invalidParameter('startIpAddress')
  if (end === undefined || !isRange(start, end)) throw invalidParameter('endIpAddress')
  if (server.network.subnetId !== null) {
    const message = 'Firewall rule operations cannot be requested for a private access enabled server.'
    throw new AzureError('OperationNotAllowed', message)
  }
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'UpsertServerFirewallRulesManagementOperation',
    resource: serverId(server, 'firewallRules', name),
    job: { kind: 'set-firewall-rule', rule: { name, start, end } },
    show: 'Updating',
  })
}
