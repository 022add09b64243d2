/** FirewallRules_Get. */
import { childNotFound, findServer, type Operation } from '../cloud'
import { own } from '../state'
import { firewallRuleView } from '../views'

export const getFirewallRule: Operation = async (call) => {
  const server = findServer(call)
  const rule = own(server.firewallRules, call.path.child?.toLowerCase() ?? '')
  if (!rule) throw childNotFound(server, 'firewallRules', call.path.child ?? '')
  return { status: 200, body: firewallRuleView(server, rule) }
}
