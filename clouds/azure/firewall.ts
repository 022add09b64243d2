/** Who may connect: firewall rules, each a resource of its own and a mutation of the server. One a call, since a server takes one at a time. */
import { canonicalNetwork, isWide, networksOver, rangeOf } from '../networks'
import type { CallOptions, ChangeOptions, InstanceAccess, NetworkExposure, RuleNames, Started, WideRule } from '../port'
import type { Azure } from './client'
import { serverDescription } from './describe'
import { findServer, requireServer } from './servers'
import { isUnderWay, underWay } from './under-way'

interface Rule {
  readonly name: string
  readonly first: string
  readonly last: string
}

export async function standingRules(azure: Azure, server: string, options: CallOptions): Promise<Rule[]> {
  return azure.ask('FirewallRules_ListByServer', options, async (sdk, request) => {
    const found: Rule[] = []
    for await (const rule of sdk.firewallRules.listByServer(azure.groupOf(server), server, request)) {
      found.push({ name: rule.name ?? '', first: rule.startIpAddress, last: rule.endIpAddress })
    }
    return found
  })
}

/** By this rule "public access from any Azure service", of whatever customer. */
const ANY_SERVICE = '0.0.0.0'

/** @throws INSTANCE_NOT_FOUND. */
export async function networkExposure(azure: Azure, name: string, options: CallOptions): Promise<NetworkExposure> {
  const { network } = await requireServer(azure, name, options)
  // In a virtual network it has no address outside; its rules would not count.
  const inside = network?.delegatedSubnetResourceId !== undefined || network?.publicNetworkAccess === 'Disabled'
  const rules = inside ? [] : await standingRules(azure, name, options)
  const undecided = rules.filter((rule) => isWide(rule) === null).map((rule) => `firewall rule ${rule.name}`)
  // Whether require_secure_transport is on is a parameter of its own.
  return { publicAddress: !inside, wideRules: rules.flatMap(wideRule), undecided, clearText: null }
}

function wideRule({ name, first, last }: Rule): WideRule[] {
  const range = `${first}-${last}`
  if (first === ANY_SERVICE && last === ANY_SERVICE) return [{ name, range, whom: 'customers' }]
  return isWide({ first, last }) ? [{ name, range, whom: 'internet' }] : []
}

/** A range that is no network becomes several of the same addresses, which have no name of its own then. A server with replicas is stopped as any. */
export async function accessOf(
  azure: Azure,
  { name, port }: { name: string; port?: number | undefined },
  options: CallOptions,
): Promise<InstanceAccess | null> {
  const server = await findServer(azure, name, options)
  if (server === null) return null
  const subnet = server.network?.delegatedSubnetResourceId
  const inside = subnet !== undefined
  const rules = inside ? [] : await standingRules(azure, name, options)
  const names = rules.flatMap((rule): [string, string][] => {
    const [network, ...more] = networksOver(rule)
    return network === undefined || more.length > 0 ? [] : [[network, rule.name]]
  })
  return {
    instance: serverDescription(server, port),
    rules: [...new Set(rules.flatMap(networksOver))].sort(),
    ruleNames: Object.fromEntries(names),
    notGivenBack: rules
      .filter((rule) => networksOver(rule).length === 0)
      .map((rule) => `firewall rule ${rule.name}, of ${rule.first} to ${rule.last}`),
    // firewall rules count for neither
    beyondRules: [
      ...(subnet === undefined ? [] : [`its virtual network (${subnet})`]),
      ...(server.privateEndpointConnections ?? []).map(({ name }) => `private endpoint ${name ?? ''}`),
    ],
    unstoppable: null,
  }
}

/** Takes away first: whoever is not to be let in is kept out as soon as can be. True when nothing was left to do. */
export async function alignFirewall(
  azure: Azure,
  { server, networks, names = {} }: { server: string; networks: readonly string[]; names?: RuleNames },
  options: ChangeOptions,
): Promise<boolean> {
  const wanted = networks.map((network) => ({ ...rangeOf(network), name: names[canonicalNetwork(network)] }))
  if (await isUnderWay(azure, `${server}/firewall`, options)) return false
  const standing = await standingRules(azure, server, options)
  const same = (a: Omit<Rule, 'name'>, b: Omit<Rule, 'name'>): boolean => a.first === b.first && a.last === b.last
  const surplus = standing.find((rule) => !wanted.some((range) => same(rule, range)))
  const missing = wanted.find((range) => !standing.some((rule) => same(rule, range)))
  if (!surplus && !missing) return true
  const started = surplus ? await close(azure, server, surplus, options) : await open(azure, server, missing, options)
  underWay(azure, `${server}/firewall`, started)
  return false
}

function close(azure: Azure, server: string, { name }: Rule, options: ChangeOptions): Promise<Started> {
  return azure.start('FirewallRules_Delete', options, (sdk, request) =>
    sdk.firewallRules.beginDelete(azure.groupOf(server), server, name, request),
  )
}

function open(
  azure: Azure,
  server: string,
  range: (Omit<Rule, 'name'> & { readonly name: string | undefined }) | undefined,
  options: ChangeOptions,
): Promise<Started> {
  const { first: startIpAddress = '', last: endIpAddress = '' } = range ?? {}
  const name = range?.name ?? `capstan_${startIpAddress}_${endIpAddress}`.replace(/\./g, '-')
  const rule = { startIpAddress, endIpAddress }
  return azure.start('FirewallRules_CreateOrUpdate', options, (sdk, request) =>
    sdk.firewallRules.beginCreateOrUpdate(azure.groupOf(server), server, name, rule, request),
  )
}
