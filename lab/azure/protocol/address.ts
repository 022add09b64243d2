/** Under which address a caller knows Resource Manager: what is answered with an address in it must lead there again, or its
 *  poller breaks (an SDK sends no token to an address that is not https). */
import type { IncomingHttpHeaders } from 'node:http'

const RESOURCE_MANAGER = 'https://management.azure.com'

/** As `https://management.azure.com`, without a slash at the end. A forwarded address that is none is not taken over. */
export function callersAddress(headers: IncomingHttpHeaders, encrypted: boolean): string {
  const host = first(headers['x-forwarded-host'])
  const scheme = first(headers['x-forwarded-proto']) ?? 'https'
  if (host !== undefined && isHost(host) && (scheme === 'https' || scheme === 'http')) return `${scheme}://${host}`
  // over plain HTTP a client reaches us only by rewriting the address of Resource Manager
  return encrypted && headers.host !== undefined && isHost(headers.host) ? `https://${headers.host}` : RESOURCE_MANAGER
}

function isHost(text: string): boolean {
  return /^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:\d{1,5})?$/i.test(text)
}

function first(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim() || undefined
}
