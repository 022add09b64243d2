/** Records of a hosted zone: a batch of changes is done in order, all of it or nothing. Its refusals are in Route 53's own words, as callers quote them. */
import { isIPv4 } from 'node:net'
import { conflictsWithAlias, isIn, newEtag, type RecordSet, recordName, type Zone } from '../../dns/zone'
import { AwsError } from '../errors'
import { type Element, invalid, type Reading } from './xml'

/** What a record is told beside its values, and what tells it from others of its name and type. */
const MORE = ['AliasTarget', 'SetIdentifier', 'Weight', 'Region', 'Failover', 'MultiValueAnswer', 'HealthCheckId', 'GeoLocation']
const KNOWN = [
  'A',
  'AAAA',
  'CAA',
  'CNAME',
  'DS',
  'HTTPS',
  'MX',
  'NAPTR',
  'NS',
  'PTR',
  'SOA',
  'SPF',
  'SRV',
  'SSHFP',
  'SVCB',
  'TLSA',
  'TXT',
]

/** @throws AwsError InvalidInput, InvalidChangeBatch. */
export function applyBatch(zone: Zone, changes: readonly Reading[]): void {
  if (changes.length === 0) throw invalid('The change batch has no changes')
  const records = structuredClone(zone.records)
  const wrong = changes.flatMap((change) => applied(zone, records, change))
  const clashing = [...new Set(records.map(({ name }) => name))].filter((name) => conflictsWithAlias(records, name))
  for (const name of clashing) {
    wrong.push(
      `RRSet of type CNAME with DNS name ${name} is not permitted as it conflicts with other records with the same DNS name in zone ${zone.name}`,
    )
  }
  if (wrong.length > 0) throw new AwsError('InvalidChangeBatch', `[${wrong.join(', ')}]`)
  zone.records = records
}

/** Into `records`. @returns what is wrong with it. */
function applied(zone: Zone, records: RecordSet[], change: Reading): string[] {
  const action = change.required('Action')
  const sent = change.child('ResourceRecordSet')
  if (sent === undefined) throw invalid('ResourceRecordSet is missing')
  const set = readSet(sent)
  if (!isIn(zone, set.name)) {
    return [`RRSet with DNS name ${set.name} is not permitted in zone ${zone.name}`]
  }
  const at = records.findIndex((record) => keyOf(record) === keyOf(set))
  const named = `resource record set [name='${set.name}', type='${set.type}'${identifier(set)}]`
  const there = records[at]
  switch (action) {
    case 'CREATE':
      if (there) return [`Tried to create ${named} but it already exists`]
      records.push(set)
      return []
    case 'UPSERT':
      if (there) records[at] = set
      else records.push(set)
      return []
    case 'DELETE':
      if (!there) return [`Tried to delete ${named} but it was not found`]
      if (!isSame(there, set)) return [`Tried to delete ${named} but the values provided do not match the current values`]
      records.splice(at, 1)
      return []
    default:
      throw invalid(
        `Value '${action.slice(0, 50)}' at 'changeBatch.changes.1.member.action' failed to satisfy constraint: Member must satisfy enum value set: [CREATE, DELETE, UPSERT]`,
      )
  }
}

function readSet(sent: Reading): RecordSet {
  const name = recordName(sent.required('Name'))
  if (name === null)
    throw new AwsError(
      'InvalidChangeBatch',
      `[Invalid Resource Record: FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with '${sent.required('Name').slice(0, 100)}']`,
    )
  const type = sent.required('Type')
  if (!KNOWN.includes(type)) throw invalid(`Type ${type.slice(0, 20)} is no type of a record`)
  const values = sent.list('ResourceRecords', 'ResourceRecord').map((record) => record.required('Value'))
  const ttl = Number(sent.text('TTL') ?? Number.NaN)
  const more = Object.fromEntries(MORE.filter((field) => sent.raw(field) !== undefined).map((field) => [field, sent.raw(field)]))
  const alias = more.AliasTarget !== undefined
  if (!alias && !(Number.isInteger(ttl) && ttl >= 0 && ttl <= 2_147_483_647)) throw invalid("Missing field 'TTL' in Change")
  if (!alias && values.length === 0) throw invalid("Missing field 'ResourceRecords' in Change")
  const bad = type === 'A' ? values.find((value) => !isIPv4(value)) : undefined
  if (bad !== undefined) {
    throw new AwsError(
      'InvalidChangeBatch',
      `[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '${bad.slice(0, 100)}'']`,
    )
  }
  if (type === 'CNAME' && values.length > 1) {
    throw new AwsError(
      'InvalidChangeBatch',
      `[Invalid Resource Record: 'FATAL problem: CNAMEMultipleRecords (Number of records exceeds 1)']`,
    )
  }
  const rest = Object.keys(more).length > 0 ? { more } : {}
  return { name, type, ttl: alias ? 0 : ttl, values, etag: newEtag(), ...rest }
}

function keyOf({ name, type, more }: RecordSet): string {
  return [name, type, String(more?.SetIdentifier ?? '')].join(' ')
}

function identifier({ more }: RecordSet): string {
  return more?.SetIdentifier === undefined ? '' : `, set identifier='${more.SetIdentifier}'`
}

function isSame(one: RecordSet, other: RecordSet): boolean {
  const content = ({ ttl, values, more = {} }: RecordSet) =>
    JSON.stringify([ttl, values.map((value) => value.toLowerCase().replace(/\.$/, '')).sort(), Object.entries(more).sort()])
  return content(one) === content(other)
}

export function viewOf({ name, type, ttl, values, more = {} }: RecordSet): Element {
  const records = { ResourceRecords: { ResourceRecord: values.map((Value) => ({ Value })) } }
  return {
    Name: name,
    Type: type,
    ...(more as Element),
    ...(more.AliasTarget === undefined && { TTL: ttl, ...records }),
  }
}

/** As the list has them: by their labels from the root on, then by type. */
export function sorted(records: readonly RecordSet[]): RecordSet[] {
  const place = ({ name, type }: RecordSet): string => `${reversed(name)} ${type}`
  return records.toSorted((one, other) => (place(one) < place(other) ? -1 : place(one) > place(other) ? 1 : 0))
}

export function reversed(name: string): string {
  return name.split('.').reverse().join('.')
}
