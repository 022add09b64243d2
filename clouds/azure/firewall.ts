/** Who may connect: firewall rules, each a resource of its own and a mutation of the server. One a call, since a server takes one at a time. */
import { rangeOf } from '../networks'
import type { CallOptions, ChangeOptions } from '../port'
import type { Azure } from './client'

interface Rule {
  readonly name: string
  readonly first: string
  readonly last: string
}

async function standingRules(azure: Azure, server: string, options: CallOptions): Promise<Rule[]> {
  return azure.ask('FirewallRules_ListByServer', options, async (sdk, request) => {
    const found: Rule[] = []
    for await (const rule of sdk.firewallRules.listByServer(azure.config.resourceGroup, server, request)) {
      found.push({ name: rule.name ?? '', first: rule.startIpAddress, last: rule.endIpAddress })
    }
    return found
  })
}

/** Takes away first: whoever is not to be let in is kept out as soon as can be. True when nothing was left to do. */
export async function alignFirewall(
  azure: Azure,
  { server, networks }: { server: string; networks: readonly string[] },
  options: ChangeOptions,
): Promise<boolean> {
  const wanted = networks.map(rangeOf)
  const standing = await standingRules(azure, server, options)
  const same = (a: Omit<Rule, 'name'>, b: Omit<Rule, 'name'>): boolean => a.first === b.first && a.last === b.last
  const surplus = standing.find((rule) => !wanted.some((range) => same(rule, range)))
  const missing = wanted.find((range) => !standing.some((rule) => same(rule, range)))
  if (surplus) {
    await azure.start('FirewallRules_Delete', options, (sdk, request) =>
      sdk.firewallRules.beginDelete(azure.config.resourceGroup, server, surplus.name, request),
    )
  } else if (missing) {
    const { first: startIpAddress, last: endIpAddress } = missing
    const name = `capstan_${startIpAddress}_${endIpAddress}`.replace(/\./g, '-')
    await azure.start('FirewallRules_CreateOrUpdate', options, (sdk, request) =>
      sdk.firewallRules.beginCreateOrUpdate(azure.config.resourceGroup, server, name, { startIpAddress, endIpAddress }, request),
    )
  }
  return !surplus && !missing
}
