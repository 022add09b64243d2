/** FirewallRules_ListByServer. */
import { findServer, type Operation } from '../cloud'
import { firewallRuleView } from '../views'

export const listFirewallRules: Operation = async (call) => {
  const server = findServer(call)
  return { status: 200, body: { value: Object.values(server.firewallRules).map((rule) => firewallRuleView(server, rule)) } }
}
