/** Authorized networks: who may connect to an instance's public address. Private ranges are refused as in life, where they never reach
 *  a public address; loopback, which is all the network that this lab has, is allowed. Source: "Authorize with authorized networks". */
import { isIPv4 } from 'node:net'
import { isCidr } from '../network'
import { invalid } from './errors'

export type AclEntry = { value: string; name?: string; expirationTime?: string; kind?: string }

const PRIVATE = [
  { network: '10.0.0.0', bits: 8 },
  { network: '172.16.0.0', bits: 12 },
  { network: '192.168.0.0', bits: 16 },
  { network: '169.254.0.0', bits: 16 },
]

/** @throws GcpError invalid for what is no IPv4 network, or a private one. */
export function checkNetworks(entries: readonly AclEntry[]): void {
  for (const { value } of entries) {
    const cidr = cidrOf(value ?? '')
    if (cidr === undefined) throw invalid(`Invalid authorized network (${String(value).slice(0, 100)})`)
    if (PRIVATE.some((range) => isWithin(cidr, range))) throw invalid(`Non-routable or private authorized network (${value})`)
  }
}

/** Those that are let in at a moment, each 'a.b.c.d/n'. */
export function openNetworks(entries: readonly AclEntry[], now = Date.now()): string[] {
  const open = entries.filter(({ expirationTime }) => expirationTime === undefined || Date.parse(expirationTime) > now)
  return [...new Set(open.flatMap(({ value }) => cidrOf(value) ?? []))].sort()
}

/** When the next of them expires. */
export function nextExpiry(entries: readonly AclEntry[], now = Date.now()): number | undefined {
  const times = entries.map(({ expirationTime }) => Date.parse(expirationTime ?? '')).filter((time) => time > now)
  return times.length === 0 ? undefined : Math.min(...times)
}

/** An address alone is a network of one. */
function cidrOf(value: string): string | undefined {
  const cidr = isIPv4(value) ? `${value}/32` : value
  return isCidr(cidr) ? cidr : undefined
}

function isWithin(cidr: string, range: { network: string; bits: number }): boolean {
  const [address = '', bits = ''] = cidr.split('/')
  const shift = 32 - range.bits
  return Number(bits) >= range.bits && numberOf(address) >>> shift === numberOf(range.network) >>> shift
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => ((number << 8) | Number(part)) >>> 0, 0)
}
