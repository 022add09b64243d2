/** Who is let in. Firewall rules are ranges, pg_hba.conf holds networks: a range becomes the fewest networks that cover exactly it. */
import { isIPv4 } from 'node:net'
import type { AzureServer } from './state'

/** A virtual network has no rules; the lab's only one is loopback as a whole. */
export function allowedNetworks({ network, firewallRules }: Pick<AzureServer, 'network' | 'firewallRules'>): string[] {
  if (network.subnetId !== null) return ['127.0.0.0/8']
  if (network.publicAccess === 'Disabled') return []
  const rules = Object.values(firewallRules).filter((rule) => !isAzureServices(rule))
  return [...new Set(rules.flatMap(({ start, end }) => networksOfRange(start, end)))].sort()
}

/** 0.0.0.0 to 0.0.0.0 stands for everything inside Azure, of which there is nothing on loopback. */
function isAzureServices({ start, end }: { start: string; end: string }): boolean {
  return start === '0.0.0.0' && end === '0.0.0.0'
}

/** @returns networks as 'a.b.c.d/n', none when the range is no range. */
export function networksOfRange(first: string, last: string): string[] {
  const end = numberOf(last)
  const networks: string[] = []
  for (let start = numberOf(first); start <= end; ) {
    let bits = 32
    while (bits > 0 && start % size(bits - 1) === 0 && start + size(bits - 1) - 1 <= end) bits--
    networks.push(`${addressOf(start)}/${bits}`)
    start += size(bits)
  }
  return networks
}

export function isRange(first: string, last: string): boolean {
  return isIPv4(first) && isIPv4(last) && numberOf(first) <= numberOf(last)
}

/** How many addresses a network with a prefix of that length has. */
function size(bits: number): number {
  return 2 ** (32 - bits)
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}
