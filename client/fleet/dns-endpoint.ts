/** An endpoint that is a name in a DNS: which zone of which provider, as the fleet file has it. */
import { dnsName, isWithinZone } from '../../contracts/dns-name'
import type { DnsZone, Endpoint } from '../../contracts/endpoint'
import type { Around, EndpointReader, FileEndpoint } from './endpoint-reading'
import type { FieldPath } from './source'
import { parseDurationMs } from './units'

export interface DnsReading {
  readonly path: FieldPath
  readonly reader: EndpointReader
  readonly around: Around
}

const TTL_SECONDS = 60
const TTL_SECONDS_MAX = 300
const PORT = 5432

/** Of a hosted zone: Route 53 lets several zones have one name. */
const HOSTED_ZONE = /^Z[A-Z0-9]{1,31}$/
const MANAGED_ZONE = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/
const SUBSCRIPTION = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const RESOURCE_GROUP = /^[-\w.()]{0,89}[-\w()]$/
const PROJECT = /^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/

export function toDns(file: FileEndpoint, reading: DnsReading): Extract<Endpoint, { kind: 'dns' }> {
  const { path, reader } = reading
  const name = dnsName(file.name ?? '')
  if (file.name !== undefined && name === null) {
    reader.wrong(
      [...path, 'name'],
      'a name in a DNS of two labels or more, such as shop.internal.example; in another script than ASCII it begins with xn--',
    )
  }
  const zone = toZone(file, reading)
  if (zone.provider === 'azure' && name !== null && zone.name !== '' && !isWithinZone(name, zone.name)) {
    reader.wrong([...path, 'name'], `a name below the zone ${zone.name}`)
  }
  return { kind: 'dns', zone, name: name ?? '', ttlSeconds: toTtl(file.ttl, path, reader), port: file.port ?? PORT }
}

function toZone(file: FileEndpoint, { path, reader, around }: DnsReading): DnsZone {
  const { provider = 'aws', zone, account, resourceGroup } = file
  const misplaced = (field: 'account' | 'resourceGroup') => {
    if (file[field] !== undefined) reader.wrong([...path, field], `left out with ${provider}, whose zones are found without it`)
  }
  const checked = (field: 'zone' | 'account' | 'resourceGroup', text: string | undefined, pattern: RegExp, rule: string) => {
    // that a zone is missing has been told already
    if (text === undefined && field !== 'zone') reader.wrong(path, `given ${field}: ${rule}`)
    else if (text !== undefined && !pattern.test(text)) reader.wrong([...path, field], rule)
    return text ?? ''
  }
  const own: Partial<Around> = around.cloud === provider ? around : {}
  switch (provider) {
    case 'aws':
      misplaced('account')
      misplaced('resourceGroup')
      return { provider, id: checked('zone', zone, HOSTED_ZONE, 'the id of a hosted zone, such as Z0123456789ABCDEFGHIJ') }
    case 'azure': {
      const name = dnsName(zone ?? '')
      if (name === null && zone !== undefined)
        reader.wrong([...path, 'zone'], 'the name of a zone of Azure DNS, such as internal.example')
      return {
        provider,
        name: name ?? '',
        subscription: checked('account', account ?? own.account, SUBSCRIPTION, 'the id of the subscription that holds the zone'),
        resourceGroup: checked(
          'resourceGroup',
          resourceGroup ?? own.resourceGroup,
          RESOURCE_GROUP,
          'the name of the resource group that holds the zone',
        ),
      }
    }
    case 'gcp':
      misplaced('resourceGroup')
      return {
        provider,
        name: checked('zone', zone, MANAGED_ZONE, 'the name of a managed zone, such as internal-example, and not its domain'),
        project: checked('account', account ?? own.account, PROJECT, 'the id of the project that holds the zone'),
      }
  }
}

/** Whoever was told where it leads believes it for so long: more than minutes would be the outage of a move. */
function toTtl(text: string | undefined, path: FieldPath, reader: EndpointReader): number {
  if (text === undefined) return TTL_SECONDS
  const seconds = (parseDurationMs(text) ?? 0) / 1_000
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= TTL_SECONDS_MAX) return seconds
  reader.wrong([...path, 'ttl'], 'whole seconds, from 1s to 5m')
  return TTL_SECONDS
}
