/** FirewallRules_Delete. */
import { findServer, type Operation, requireState } from '../cloud'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { own } from '../state'

export const deleteFirewallRule: Operation = async (call) => {
  const server = findServer(call)
  const rule = own(server.firewallRules, call.path.child?.toLowerCase() ?? '')
  if (!rule) return { status: 204 }
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'DropServerFirewallRulesManagementOperation',
    resource: serverId(server, 'firewallRules', rule.name),
    job: { kind: 'delete-firewall-rule', name: rule.name },
    show: 'Updating',
  })
}
