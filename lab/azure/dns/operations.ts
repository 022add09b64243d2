/** What Azure DNS can be asked here: public zones and their record sets. Private zones are of another resource type, which this lab does not have. */
import { newZone, noteChange, type RecordSet, recordName, type Zone, type ZoneChange, type Zones } from '../../dns/zone'
import { AzureError } from '../errors'
import { absolute, type Conditions, checkConditions, put, typeIn, viewOf } from './records'

export interface DnsPath {
  readonly subscription: string
  readonly resourceGroup: string
  readonly zone: string
  /** Behind the zone: a type and a name, `all`, `recordsets` or nothing. */
  readonly rest: readonly string[]
}

export interface DnsCall {
  readonly zones: Zones
  readonly path: DnsPath
  readonly query: URLSearchParams
  readonly conditions: Conditions
  readonly body: unknown
}

export interface DnsAnswer {
  readonly status: number
  readonly body?: object
  readonly changed?: { readonly zone: Zone; readonly change: ZoneChange }
}

export interface DnsOperation {
  readonly name: string
  /** What a role has to allow; `TYPE` stands for that of the record. */
  readonly action: string
  readonly question: boolean
  run(call: DnsCall): DnsAnswer
}

export const AZURE_DNS: Readonly<Record<string, DnsOperation>> = {
  'PUT zone': { name: 'Zones_CreateOrUpdate', action: 'dnsZones/write', question: false, run: putZone },
  'GET zone': { name: 'Zones_Get', action: 'dnsZones/read', question: true, run: getZone },
  'GET all': { name: 'RecordSets_ListAllByDnsZone', action: 'dnsZones/all/read', question: true, run: listAll },
  'GET recordsets': { name: 'RecordSets_ListByDnsZone', action: 'dnsZones/recordsets/read', question: true, run: listAll },
  'GET record': { name: 'RecordSets_Get', action: 'dnsZones/TYPE/read', question: true, run: getRecord },
  'PUT record': { name: 'RecordSets_CreateOrUpdate', action: 'dnsZones/TYPE/write', question: false, run: putRecord },
  'DELETE record': { name: 'RecordSets_Delete', action: 'dnsZones/TYPE/delete', question: false, run: deleteRecord },
}

export function operationOf(method: string, { rest }: DnsPath): DnsOperation | undefined {
  const [kind = '', name] = rest
  const what = rest.length === 0 ? 'zone' : rest.length === 1 ? kind.toLowerCase() : rest.length === 2 && name ? 'record' : ''
  return AZURE_DNS[`${method} ${what}`]
}

function keyOf({ resourceGroup, zone }: DnsPath): string {
  return `${resourceGroup}/${zone}`.toLowerCase()
}

function findZone(zones: Zones, path: DnsPath): Zone {
  const zone = Object.hasOwn(zones, keyOf(path)) ? zones[keyOf(path)] : undefined
  if (zone) return zone
  throw new AzureError(
    'ResourceNotFound',
    `The Resource 'Microsoft.Network/dnszones/${path.zone.slice(0, 100)}' under resource group '${path.resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  )
}

function zoneId({ subscription, resourceGroup, zone }: DnsPath): string {
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup.toLowerCase()}/providers/Microsoft.Network/dnszones/${zone}`
}

function putZone({ zones, path }: DnsCall): DnsAnswer {
  const name = recordName(path.zone)
  if (name === null || name.split('.').length < 3)
    throw new AzureError('BadRequest', `The zone name '${path.zone.slice(0, 100)}' is invalid.`)
  const there = Object.hasOwn(zones, keyOf(path)) ? zones[keyOf(path)] : undefined
  if (there) return { status: 200, body: zoneView(path, there) }
  const zone = newZone(keyOf(path), name)
  zones[zone.id] = zone
  return { status: 201, body: zoneView(path, zone), changed: { zone, change: noteChange(zone, String(zone.changesMade)) } }
}

function getZone({ zones, path }: DnsCall): DnsAnswer {
  return { status: 200, body: zoneView(path, findZone(zones, path)) }
}

function listAll({ zones, path, query }: DnsCall): DnsAnswer {
  const zone = findZone(zones, path)
  const suffix = (query.get('$recordsetnamesuffix') ?? '').toLowerCase()
  const relative = ({ name }: RecordSet): string => (name === zone.name ? '@' : name.slice(0, -zone.name.length - 1))
  const value = zone.records
    .filter((record) => relative(record).endsWith(suffix))
    .map((record) => viewOf(zoneId(path), zone, record))
  return { status: 200, body: { value } }
}

function at(zone: Zone, { rest }: DnsPath): { name: string; type: string; there: RecordSet | undefined } {
  const [type, name] = [typeIn(rest[0] ?? ''), absolute(zone, rest[1] ?? '')]
  return { name, type, there: zone.records.find((record) => record.name === name && record.type === type) }
}

function getRecord({ zones, path }: DnsCall): DnsAnswer {
  const zone = findZone(zones, path)
  const { there } = at(zone, path)
  if (there) return { status: 200, body: viewOf(zoneId(path), zone, there) }
  throw new AzureError(
    'NotFound',
    `The resource record '${path.rest[1]}' does not exist in resource group '${path.resourceGroup}' of subscription '${path.subscription}'.`,
  )
}

function putRecord({ zones, path, conditions, body }: DnsCall): DnsAnswer {
  const zone = findZone(zones, path)
  const { name, type, there } = at(zone, path)
  checkConditions(there, conditions)
  const { set, made } = put(zone, name, type, body)
  const change = noteChange(zone, String(zone.changesMade))
  return { status: made ? 201 : 200, body: viewOf(zoneId(path), zone, set), changed: { zone, change } }
}

function deleteRecord({ zones, path, conditions }: DnsCall): DnsAnswer {
  const zone = findZone(zones, path)
  const { there } = at(zone, path)
  checkConditions(there, conditions)
  if (!there) return { status: 204 }
  zone.records = zone.records.filter((record) => record !== there)
  return { status: 200, changed: { zone, change: noteChange(zone, String(zone.changesMade)) } }
}

function zoneView(path: DnsPath, { records }: Zone): object {
  const properties = {
    maxNumberOfRecordSets: 10_000,
    numberOfRecordSets: records.length,
    nameServers: ['ns1.lab.invalid.'],
    zoneType: 'Public',
  }
  return { id: zoneId(path), name: path.zone, type: 'Microsoft.Network/dnszones', location: 'global', tags: {}, properties }
}
