/** IPv4 networks as rules about who may connect: `10.1.2.0/24`, or one address. */
import { failure } from '../contracts/failures'

/** First and last address. @throws CLOUD_REFUSED for what is no network. */
export function rangeOf(network: string): { readonly first: string; readonly last: string } {
  const [address = '', bits = '32', ...more] = network.split('/')
  const number = numberOf(address)
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : 33
  if (more.length > 0 || number === null || prefix > 32) {
    throw failure('CLOUD_REFUSED', `"${network}" is no IPv4 network; wanted is one such as 10.1.2.0/24.`, { network })
  }
  const size = 2 ** (32 - prefix)
  const first = Math.floor(number / size) * size
  return { first: textOf(first), last: textOf(first + size - 1) }
}

/** Null: it is no IPv4 address. */
function numberOf(address: string): number | null {
  const parts = address.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256))
  if (parts.length !== 4 || parts.some((part) => part > 255)) return null
  return parts.reduce((sum, part) => sum * 256 + part, 0)
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}

/** One spelling for one network: two lists can be compared. */
export function canonicalNetwork(network: string): string {
  const { first } = rangeOf(network)
  return `${first}/${network.split('/')[1] ?? '32'}`
}

/** As `canonicalNetwork`; what is no network of IPv4 stays as it is written. */
export function spelledAlike(network: string): string {
  const [, address = '', bits = '32'] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(network) ?? []
  return numberOf(address) === null || Number(bits) > 32 ? network : canonicalNetwork(network)
}

const WIDE = 2 ** 24
/** 10.0.0.0/8 and loopback: networks of that size which nobody on the internet is in. */
const ELSEWHERE: readonly number[] = [10, 127]

/** Whether a rule lets in much of the internet: as many addresses as a network of 8 bits has, unless they are on none. Null for
 *  what is no range of IPv4 addresses. */
export function isWide({ first, last }: { readonly first: string; readonly last: string }): boolean | null {
  const [from, to] = [numberOf(first), numberOf(last)]
  if (from === null || to === null || to < from) return null
  const network = Math.floor(from / WIDE)
  if (network === Math.floor(to / WIDE) && ELSEWHERE.includes(network)) return false
  return to - from + 1 >= WIDE
}

/** The fewest networks that are together just the range. None for what is no range of IPv4 addresses. */
export function networksOver({ first, last }: { readonly first: string; readonly last: string }): string[] {
  const [from, to] = [numberOf(first), numberOf(last)]
  if (from === null || to === null) return []
  const networks: string[] = []
  for (let next = from; next <= to; ) {
    let prefix = 32
    while (prefix > 0 && next % 2 ** (33 - prefix) === 0 && next + 2 ** (33 - prefix) - 1 <= to) prefix--
    networks.push(`${textOf(next)}/${prefix}`)
    next += 2 ** (32 - prefix)
  }
  return networks
}
