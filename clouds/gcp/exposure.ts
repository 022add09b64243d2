/** Who may reach an instance: its authorized networks, as far as it has an address on the internet. Google's connectors come by other ways,
 *  with permissions of their own. */
import { isWide, rangeOf } from '../networks'
import type { CallOptions, InstanceAccess, NetworkExposure } from '../port'
import type { CloudSql, Instance } from './client'
import { instantOf } from './describe'
import { findSettled } from './instances'
import { ruleNamesOf } from './settings'

/** Source: Cloud SQL, "Start, stop, and restart instances", its notes on replicas. */
export async function accessOf(sql: CloudSql, name: string, options: CallOptions): Promise<InstanceAccess | null> {
  const settled = await findSettled(sql, name, options)
  if (settled === null) return null
  const { found, description } = settled
  const networks = found.settings?.ipConfiguration?.authorizedNetworks ?? []
  const lasting = networks.filter(({ expirationTime }) => instantOf(expirationTime) === null)
  const ruleNames = ruleNamesOf({ settings: { ipConfiguration: { authorizedNetworks: lasting } } })
  const others = networks.filter(
    ({ value, expirationTime }) => instantOf(expirationTime) !== null || !/^[\d./]+$/.test(value ?? ''),
  )
  const [replica] = found.replicaNames ?? []
  const why = found.masterInstanceName
    ? `it is a read replica of ${found.masterInstanceName}`
    : replica === undefined
      ? null
      : `it has read replicas, ${replica} among them`
  return {
    instance: description,
    rules: Object.keys(ruleNames).sort(),
    ruleNames,
    notGivenBack: others.map(({ value }) => `authorized network ${value}, which ends some day or is none of IPv4`),
    beyondRules: privateWays(found),
    unstoppable: why === null ? null : `Cloud SQL does not stop instance ${name}: ${why}.`,
  }
}

/** Authorized networks count for its public address alone. */
export function privateWays({ settings }: Pick<Instance, 'settings'>): string[] {
  const { privateNetwork, pscConfig } = settings?.ipConfiguration ?? {}
  return [
    ...(privateNetwork ? [`its private network ${privateNetwork}`] : []),
    ...(pscConfig?.pscEnabled === true ? ['Private Service Connect'] : []),
  ]
}

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
