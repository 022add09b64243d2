/** What Cloud DNS can be asked here: managed zones, their records, and how far a change is. Source: Cloud DNS API, v1. */
import { newZone, noteChange, recordName, type Zone, type ZoneChange, type Zones } from '../../dns/zone'
import { GcpError, missing } from '../errors'
import { applyChange, viewOf } from './records'

export interface DnsCall {
  readonly zones: Zones
  readonly zone: string
  /** Of a change. */
  readonly id: string
  readonly query: URLSearchParams
  readonly body: Readonly<Record<string, unknown>>
}

export interface DnsAnswer {
  readonly body: object
  readonly changed?: { readonly zone: Zone; readonly change: ZoneChange }
}

export interface DnsOperation {
  /** With its collection, as faults and the record of calls name it. */
  readonly name: string
  readonly method: string
  /** Behind the project. */
  readonly path: RegExp
  readonly question: boolean
  /** What a role has to have. */
  readonly permissions: readonly string[]
  run(call: DnsCall): DnsAnswer
}

const ZONE = '/managedZones/([^/]+)'

export const CLOUD_DNS: readonly DnsOperation[] = [
  of('dns.managedZones.create', 'POST', '/managedZones', ['dns.managedZones.create'], createZone),
  of('dns.managedZones.list', 'GET', '/managedZones', ['dns.managedZones.list'], listZones),
  of('dns.managedZones.get', 'GET', ZONE, ['dns.managedZones.get'], ({ zones, zone }) => ({
    body: zoneView(findZone(zones, zone)),
  })),
  of('dns.managedZones.delete', 'DELETE', ZONE, ['dns.managedZones.delete'], deleteZone),
  of('dns.resourceRecordSets.list', 'GET', `${ZONE}/rrsets`, ['dns.resourceRecordSets.list'], listRecords),
  of(
    'dns.changes.create',
    'POST',
    `${ZONE}/changes`,
    ['dns.changes.create', 'dns.resourceRecordSets.create', 'dns.resourceRecordSets.delete'],
    createChange,
  ),
  of('dns.changes.get', 'GET', `${ZONE}/changes/([^/]+)`, ['dns.changes.get'], getChange),
]

function of(name: string, method: string, path: string, permissions: readonly string[], run: DnsOperation['run']): DnsOperation {
  return { name, method, path: new RegExp(`^${path}$`), question: method === 'GET', permissions, run }
}

function createZone({ zones, body }: DnsCall): DnsAnswer {
  const { name, dnsName: domain, visibility = 'public', description = '' } = body
  if (typeof name !== 'string' || !/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) throw missing('entity.managedZone.name')
  const wanted = typeof domain === 'string' && domain.endsWith('.') ? recordName(domain) : null
  if (wanted === null) throw missing('entity.managedZone.dnsName')
  if (Object.hasOwn(zones, name))
    throw new GcpError('alreadyExists', `The resource 'entity.managedZone' named '${name}' already exists`)
  const zone = newZone(name, wanted, { visibility, description })
  zones[name] = zone
  return { body: zoneView(zone), changed: { zone, change: noteChange(zone, String(zone.changesMade)) } }
}

function listZones({ zones }: DnsCall): DnsAnswer {
  return { body: { kind: 'dns#managedZonesListResponse', managedZones: Object.values(zones).map(zoneView) } }
}

function deleteZone({ zones, zone: name }: DnsCall): DnsAnswer {
  const zone = findZone(zones, name)
  if (zone.records.some(({ type }) => type !== 'NS' && type !== 'SOA')) {
    throw new GcpError(
      'containerNotEmpty',
      `The resource named '${name}' cannot be deleted because it contains one or more resource record sets.`,
    )
  }
  delete zones[name]
  return { body: {} }
}

function listRecords({ zones, zone: name, query }: DnsCall): DnsAnswer {
  const [wanted, type] = [query.get('name')?.toLowerCase() ?? null, query.get('type')]
  const shown = findZone(zones, name).records.filter(
    (record) => (wanted === null || record.name === wanted) && (type === null || record.type === type),
  )
  return { body: { kind: 'dns#resourceRecordSetsListResponse', rrsets: shown.map(viewOf) } }
}

function createChange({ zones, zone: name, body }: DnsCall): DnsAnswer {
  const zone = findZone(zones, name)
  const { additions = [], deletions = [] } = body as Readonly<
    Record<string, readonly Readonly<Record<string, unknown>>[] | undefined>
  >
  if (!Array.isArray(additions) || !Array.isArray(deletions))
    throw new GcpError('badRequest', 'Request contains an invalid argument.')
  applyChange(zone, { additions, deletions })
  const change = noteChange(zone, String(zone.changesMade), { additions, deletions })
  return { body: changeView(change), changed: { zone, change } }
}

function getChange({ zones, zone: name, id }: DnsCall): DnsAnswer {
  const change = findZone(zones, name).changes.find((one) => one.id === id)
  if (change) return { body: changeView(change) }
  throw new GcpError('notFound', `The 'parameters.changeId' resource named '${id.slice(0, 40)}' does not exist.`)
}

function findZone(zones: Zones, name: string): Zone {
  const zone = Object.hasOwn(zones, name) ? zones[name] : undefined
  if (zone) return zone
  throw new GcpError('notFound', `The 'parameters.managedZone' resource named '${name.slice(0, 80)}' does not exist.`)
}

function changeView({ id, at, pending, more = {} }: ZoneChange): object {
  return { kind: 'dns#change', id, startTime: at, status: pending ? 'pending' : 'done', isServing: !pending, ...more }
}

function zoneView({ id, name, madeAt, more }: Zone): object {
  const { visibility, description } = more
  return {
    kind: 'dns#managedZone',
    name: id,
    dnsName: name,
    creationTime: madeAt,
    nameServers: ['ns1.lab.invalid.'],
    visibility,
    description,
  }
}
