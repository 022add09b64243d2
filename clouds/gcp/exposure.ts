/** Who may reach an instance: its authorized networks, as far as it has an address on the internet. Google's connectors come by other ways,
 *  with permissions of their own. */
import { isWide, rangeOf } from '../networks'
import type { NetworkExposure } from '../port'
import type { Instance } from './client'
import { instantOf } from './describe'

const IN_CLEAR: Readonly<Record<string, boolean>> = {
  ALLOW_UNENCRYPTED_AND_ENCRYPTED: true,
  ENCRYPTED_ONLY: false,
  TRUSTED_CLIENT_CERTIFICATE_REQUIRED: false,
}

export function exposureOf({ settings, ipAddresses }: Instance): NetworkExposure {
  const { ipv4Enabled, authorizedNetworks, sslMode } = settings?.ipConfiguration ?? {}
  const clearText = IN_CLEAR[String(sslMode)] ?? null
  const publicAddress = ipv4Enabled?.value === true || (ipAddresses ?? []).some(({ type }) => type === 'PRIMARY')
  if (!publicAddress) return { publicAddress, wideRules: [], undecided: [], clearText }
  const now = new Date().toISOString()
  const rules = (authorizedNetworks ?? [])
    .filter(({ expirationTime }) => (instantOf(expirationTime) ?? now) >= now)
    .map(({ name, value }) => ({ name: name ?? '', range: value ?? '', wide: wideness(value ?? '') }))
  return {
    publicAddress,
    wideRules: rules.flatMap(({ name, range, wide }) => (wide ? [{ name, range, whom: 'internet' as const }] : [])),
    undecided: rules.flatMap(({ range, wide }) => (wide === null ? [`authorized network ${range}`] : [])),
    clearText,
  }
}

function wideness(network: string): boolean | null {
  try {
    return isWide(rangeOf(network))
  } catch {
    return null // an IPv6 network
  }
}
