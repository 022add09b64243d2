/** Record sets as Azure DNS writes them: a resource for each name and type, with an etag. */
import { isIPv4 } from 'node:net'
import { conflictsWithAlias, newEtag, type RecordSet, recordName, type Zone } from '../../dns/zone'
import { AzureError } from '../errors'
import { type Json, object } from './json'

/** The type in a path → the field of its records, and the field of each record that is its value; null: kept as it was sent. */
const FIELDS: Readonly<Record<string, readonly [field: string, value: string | null]>> = {
  A: ['ARecords', 'ipv4Address'],
  AAAA: ['AAAARecords', 'ipv6Address'],
  CNAME: ['CNAMERecord', 'cname'],
  MX: ['MXRecords', null],
  NS: ['NSRecords', 'nsdname'],
  SOA: ['SOARecord', null],
  TXT: ['TXTRecords', null],
}

export function typeIn(path: string): string {
  const type = Object.keys(FIELDS).find((known) => known === path.toUpperCase())
  if (type) return type
  throw new AzureError('BadRequest', `The resource type could not be found: record type '${path.slice(0, 20)}'.`)
}

/** `relative`: to the zone; `@` is the zone itself. @throws AzureError BadRequest. */
export function absolute(zone: Pick<Zone, 'name'>, relative: string): string {
  const name = relative === '@' ? zone.name : recordName(`${relative}.${zone.name}`)
  if (name === null) throw new AzureError('BadRequest', `The relative record set name '${relative.slice(0, 100)}' is invalid.`)
  return name
}

export interface Conditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

/** @throws AzureError PreconditionFailed. */
export function checkConditions(there: RecordSet | undefined, { ifMatch, ifNoneMatch }: Conditions): void {
  const current = there ? `'${there.etag}'` : 'none'
  if (ifMatch !== undefined && (there === undefined || (ifMatch !== '*' && ifMatch !== there.etag))) {
    throw new AzureError(
      'PreconditionFailed',
      `The condition '${ifMatch.slice(0, 60)}' in the If-Match header was not satisfied. The current was ${current}.`,
    )
  }
  if (ifNoneMatch === '*' && there !== undefined) {
    throw new AzureError(
      'PreconditionFailed',
      `The condition '*' in the If-None-Match header was not satisfied. The current was ${current}.`,
    )
  }
}

/** Writes it into the zone. @throws AzureError BadRequest. */
export function put(zone: Zone, name: string, type: string, body: Json): { set: RecordSet; made: boolean } {
  const properties = object(object(body)?.properties) ?? {}
  const set = readSet(name, type, properties)
  const records = zone.records.filter((record) => record.name !== name || record.type !== type)
  const made = records.length === zone.records.length
  if (conflictsWithAlias([...records, set], name)) {
    throw new AzureError(
      'BadRequest',
      `The record could not be created because a CNAME record with the same name already exists in this zone.`,
    )
  }
  zone.records = [...records, set]
  return { set, made }
}

function readSet(name: string, type: string, properties: Readonly<Record<string, unknown>>): RecordSet {
  const [field, valueIn] = FIELDS[type] ?? ['', null]
  const sent = fieldOf(properties, field)
  const items = (Array.isArray(sent) ? sent : sent === undefined ? [] : [sent]).map((one) => object(one) ?? {})
  const values =
    valueIn === null ? items.map((item) => JSON.stringify(item)) : items.map((item) => String(fieldOf(item, valueIn) ?? ''))
  const ttl = Number(fieldOf(properties, 'TTL') ?? Number.NaN)
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > 2_147_483_647)
    throw bad(`The TTL of record set '${name}' is missing or invalid.`)
  const target = object(fieldOf(properties, 'targetResource'))
  const alias = typeof target?.id === 'string' && target.id !== ''
  if (!alias && values.length === 0) throw bad(`The record set '${name}' of type '${type}' must have records.`)
  const wrong = type === 'A' ? values.find((value) => !isIPv4(value)) : undefined
  if (wrong !== undefined) throw bad(`The value '${wrong.slice(0, 60)}' for the record ${type} is invalid.`)
  const metadata = object(fieldOf(properties, 'metadata'))
  const more = { ...(metadata && { metadata }), ...(alias && { targetResource: { id: target.id } }) }
  const named = type === 'CNAME' ? values.map((value) => `${value.toLowerCase().replace(/\.$/, '')}.`) : values
  return { name, type, ttl, values: named, etag: newEtag(), ...(Object.keys(more).length > 0 && { more }) }
}

function bad(message: string): AzureError {
  return new AzureError('BadRequest', message)
}

/** Names of fields are read without regard to case. */
function fieldOf(from: Readonly<Record<string, unknown>>, name: string): unknown {
  const key = Object.keys(from).find((one) => one.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : from[key]
}

export function viewOf(zoneId: string, zone: Zone, { name, type, ttl, values, etag, more = {} }: RecordSet): object {
  const [field, valueIn] = FIELDS[type] ?? ['', null]
  const relative = name === zone.name ? '@' : name.slice(0, -zone.name.length - 1)
  const plain = type === 'CNAME' ? values.map((value) => value.replace(/\.$/, '')) : values
  const items = plain.map((value) => (valueIn === null ? parsed(value) : { [valueIn]: value }))
  const single = type === 'CNAME' || type === 'SOA'
  return {
    id: `${zoneId}/${type}/${relative}`,
    name: relative,
    type: `Microsoft.Network/dnszones/${type}`,
    etag,
    properties: {
      fqdn: name,
      TTL: ttl,
      ...(more.metadata !== undefined && { metadata: more.metadata }),
      targetResource: more.targetResource ?? {},
      provisioningState: 'Succeeded',
      ...(items.length > 0 && { [field]: single ? items[0] : items }),
    },
  }
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    // of the zone's own records
    return { host: value }
  }
}
