/** What Route 53 can be asked here: hosted zones, their records, and how far a change is. */
import { randomBytes } from 'node:crypto'
import { newZone, noteChange, recordName, type Zone, type ZoneChange, type Zones } from '../../dns/zone'
import { AwsError } from '../errors'
import { applyBatch, reversed, sorted, viewOf } from './records'
import { type Element, invalid, read } from './xml'

export interface DnsCall {
  readonly zones: Zones
  /** Of the path: the zone's id, or the change's. */
  readonly id: string
  readonly query: URLSearchParams
  readonly body: Buffer
}

export interface DnsAnswer {
  readonly status: number
  readonly root: string
  readonly content: Element
  readonly location?: string
  /** To be published. */
  readonly changed?: { readonly zone: Zone; readonly change: ZoneChange }
}

export interface DnsOperation {
  readonly name: string
  readonly method: string
  /** Behind the API's version. */
  readonly path: RegExp
  /** What an identity has to be allowed on the zone. */
  readonly question: boolean
  run(call: DnsCall): DnsAnswer
}

export const ROUTE53_OPERATIONS: readonly DnsOperation[] = [
  { name: 'CreateHostedZone', method: 'POST', path: /^\/hostedzone\/?$/, question: false, run: createZone },
  { name: 'ListHostedZones', method: 'GET', path: /^\/hostedzone\/?$/, question: true, run: listZones },
  { name: 'GetHostedZone', method: 'GET', path: /^\/hostedzone\/([^/]+)$/, question: true, run: getZone },
  { name: 'DeleteHostedZone', method: 'DELETE', path: /^\/hostedzone\/([^/]+)$/, question: false, run: deleteZone },
  {
    name: 'ChangeResourceRecordSets',
    method: 'POST',
    path: /^\/hostedzone\/([^/]+)\/rrset\/?$/,
    question: false,
    run: changeRecords,
  },
  { name: 'ListResourceRecordSets', method: 'GET', path: /^\/hostedzone\/([^/]+)\/rrset\/?$/, question: true, run: listRecords },
  { name: 'GetChange', method: 'GET', path: /^\/change\/([^/]+)$/, question: true, run: getChange },
]

function createZone({ zones, body }: DnsCall): DnsAnswer {
  const sent = read(body, 'CreateHostedZoneRequest')
  const name = recordName(sent.required('Name'))
  if (name === null) throw new AwsError('InvalidDomainName', `${sent.required('Name').slice(0, 100)} is not a valid domain name.`)
  const reference = sent.required('CallerReference')
  if (Object.values(zones).some(({ more }) => more.reference === reference)) {
    throw new AwsError('HostedZoneAlreadyExists', `A hosted zone has already been created with the specified caller reference.`)
  }
  const isPrivate = sent.child('HostedZoneConfig')?.text('PrivateZone') === 'true' || sent.child('VPC') !== undefined
  const zone = newZone(newId('Z'), name, { reference, isPrivate })
  zones[zone.id] = zone
  const change = noteChange(zone, newId('C'))
  const content = { HostedZone: zoneView(zone), ChangeInfo: changeView(change), ...delegation() }
  const location = `https://route53.amazonaws.com/2013-04-01/hostedzone/${zone.id}`
  return { status: 201, root: 'CreateHostedZoneResponse', content, location, changed: { zone, change } }
}

function listZones({ zones }: DnsCall): DnsAnswer {
  const HostedZones = { HostedZone: Object.values(zones).map(zoneView) }
  const content = { HostedZones, IsTruncated: false, MaxItems: 100 }
  return { status: 200, root: 'ListHostedZonesResponse', content }
}

function getZone({ zones, id }: DnsCall): DnsAnswer {
  const content = { HostedZone: zoneView(findZone(zones, id)), ...delegation() }
  return { status: 200, root: 'GetHostedZoneResponse', content }
}

function deleteZone({ zones, id }: DnsCall): DnsAnswer {
  const zone = findZone(zones, id)
  if (zone.records.some(({ type }) => type !== 'NS' && type !== 'SOA')) {
    throw new AwsError(
      'HostedZoneNotEmpty',
      'The specified hosted zone contains non-required resource record sets and so cannot be deleted.',
    )
  }
  delete zones[zone.id]
  const content = { ChangeInfo: changeView({ id: newId('C'), at: new Date().toISOString(), pending: false }) }
  return { status: 200, root: 'DeleteHostedZoneResponse', content }
}

function changeRecords({ zones, id, body }: DnsCall): DnsAnswer {
  const zone = findZone(zones, id)
  const batch = read(body, 'ChangeResourceRecordSetsRequest').child('ChangeBatch')
  if (batch === undefined) throw invalid('ChangeBatch is missing')
  applyBatch(zone, batch.list('Changes', 'Change'))
  const change = noteChange(zone, newId('C'))
  const content = { ChangeInfo: changeView(change) }
  return { status: 200, root: 'ChangeResourceRecordSetsResponse', content, changed: { zone, change } }
}

const ITEMS_MAX = 300

function listRecords({ zones, id, query }: DnsCall): DnsAnswer {
  const zone = findZone(zones, id)
  const from = query.get('name')
  const start = from === null ? '' : reversed(recordName(from) ?? '')
  const type = query.get('type') ?? ''
  const max = Math.min(Number(query.get('maxitems') ?? ITEMS_MAX) || ITEMS_MAX, ITEMS_MAX)
  const behind = sorted(zone.records).filter((record) => {
    const place = reversed(record.name)
    return place > start || (place === start && record.type >= type)
  })
  const [shown, next] = [behind.slice(0, max), behind[max]]
  const content = {
    ResourceRecordSets: { ResourceRecordSet: shown.map(viewOf) },
    IsTruncated: next !== undefined,
    ...(next && { NextRecordName: next.name, NextRecordType: next.type }),
    MaxItems: max,
  }
  return { status: 200, root: 'ListResourceRecordSetsResponse', content }
}

function getChange({ zones, id }: DnsCall): DnsAnswer {
  const change = Object.values(zones)
    .flatMap(({ changes }) => changes)
    .find((one) => one.id === id)
  if (!change) throw new AwsError('NoSuchChange', `Could not find resource with ID: ${id.slice(0, 40)}`)
  return { status: 200, root: 'GetChangeResponse', content: { ChangeInfo: changeView(change) } }
}

function findZone(zones: Zones, id: string): Zone {
  const zone = Object.hasOwn(zones, id) ? zones[id] : undefined
  if (zone) return zone
  throw new AwsError('NoSuchHostedZone', `No hosted zone found with ID: ${id.slice(0, 40)}`)
}

function zoneView({ id, name, records, more }: Zone): Element {
  return {
    Id: `/hostedzone/${id}`,
    Name: name,
    CallerReference: String(more.reference ?? ''),
    Config: { PrivateZone: more.isPrivate === true },
    ResourceRecordSetCount: records.length,
  }
}

function changeView({ id, at, pending }: ZoneChange): Element {
  return { Id: `/change/${id}`, Status: pending ? 'PENDING' : 'INSYNC', SubmittedAt: at }
}

function delegation(): Element {
  return { DelegationSet: { NameServers: { NameServer: 'ns1.lab.invalid' } } }
}

function newId(letter: 'Z' | 'C'): string {
  return `${letter}${randomBytes(10).toString('hex').toUpperCase()}`
}
