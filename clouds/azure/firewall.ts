/** Who may connect: firewall rules, each a resource of its own and a mutation of the server. One a call, since a server takes one at a time. */
import { rangeOf } from '../networks'
import type { CallOptions, ChangeOptions, Started } from '../port'
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
  if (await isUnderWay(azure, server, options)) return false
  const standing = await standingRules(azure, server, options)
  const same = (a: Omit<Rule, 'name'>, b: Omit<Rule, 'name'>): boolean => a.first === b.first && a.last === b.last
  const surplus = standing.find((rule) => !wanted.some((range) => same(rule, range)))
  const missing = wanted.find((range) => !standing.some((rule) => same(rule, range)))
  if (!surplus && !missing) return true
  const { operation } = surplus ? await close(azure, server, surplus, options) : await open(azure, server, missing, options)
  if (operation !== null) azure.begun.set(`${server}/firewall`, operation)
  return false
}

/** A rule may be listed before it holds. */
async function isUnderWay(azure: Azure, server: string, options: CallOptions): Promise<boolean> {
  const operation = azure.begun.get(`${server}/firewall`)
  if (operation === undefined) return false
  if ((await azure.describeOperation(operation, options)).state === 'running') return true
  azure.begun.delete(`${server}/firewall`)
  return false
}

function close(azure: Azure, server: string, { name }: Rule, options: ChangeOptions): Promise<Started> {
  return azure.start('FirewallRules_Delete', options, (sdk, request) =>
    sdk.firewallRules.beginDelete(azure.config.resourceGroup, server, name, request),
  )
}

function open(azure: Azure, server: string, range: Omit<Rule, 'name'> | undefined, options: ChangeOptions): Promise<Started> {
  const { first: startIpAddress = '', last: endIpAddress = '' } = range ?? {}
  const name = `capstan_${startIpAddress}_${endIpAddress}`.replace(/\./g, '-')
  const rule = { startIpAddress, endIpAddress }
  return azure.start('FirewallRules_CreateOrUpdate', options, (sdk, request) =>
    sdk.firewallRules.beginCreateOrUpdate(azure.config.resourceGroup, server, name, rule, request),
  )
}
