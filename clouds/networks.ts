/** IPv4 networks as rules about who may connect: `10.1.2.0/24`, or one address. */
import { failure } from '../contracts/failures'

/** First and last address. @throws CLOUD_REFUSED for what is no network. */
export function rangeOf(network: string): { readonly first: string; readonly last: string } {
  const [address = '', bits = '32', ...more] = network.split('/')
  const parts = address.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256))
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : 33
  if (more.length > 0 || parts.length !== 4 || parts.some((part) => part > 255) || prefix > 32) {
    throw failure('CLOUD_REFUSED', `"${network}" is no IPv4 network; wanted is one such as 10.1.2.0/24.`, { network })
  }
  const size = 2 ** (32 - prefix)
  const number = parts.reduce((sum, part) => sum * 256 + part, 0)
  const first = Math.floor(number / size) * size
  return { first: textOf(first), last: textOf(first + size - 1) }
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
}

/** One spelling for one network: two lists can be compared. */
export function canonicalNetwork(network: string): string {
  const { first } = rangeOf(network)
  return `${first}/${network.split('/')[1] ?? '32'}`
}
