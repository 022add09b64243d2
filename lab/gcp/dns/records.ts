/** Resource record sets as Cloud DNS writes them: a change takes away exactly what is there, and adds what is not, all of it or nothing. */
import { isIPv4 } from 'node:net'
import { conflictsWithAlias, isIn, newEtag, type RecordSet, recordName, type Zone } from '../../dns/zone'
import { GcpError, invalid } from '../errors'

type Sent = Readonly<Record<string, unknown>>

/** @throws GcpError notFound, conditionNotMet, alreadyExists, invalid. */
export function applyChange(
  zone: Zone,
  { additions, deletions }: { additions: readonly Sent[]; deletions: readonly Sent[] },
): void {
  if (additions.length + deletions.length === 0) throw invalid('the change has neither additions nor deletions')
  const records = structuredClone(zone.records)
  for (const [index, sent] of deletions.entries()) {
    const set = readSet(sent)
    const what = `'entity.change.deletions[${index}]'`
    const at = records.findIndex(({ name, type }) => name === set.name && type === set.type)
    const there = records[at]
    if (!there) throw new GcpError('notFound', `The ${what} resource named '${set.name} (${set.type})' does not exist.`)
    if (!isSame(there, set)) throw new GcpError('conditionNotMet', `Precondition not met for ${what}`)
    records.splice(at, 1)
  }
  for (const [index, sent] of additions.entries()) {
    const set = readSet(sent)
    const what = `'entity.change.additions[${index}]'`
    if (!isIn(zone, set.name)) throw new GcpError('invalid', `Invalid value for ${what}: '${set.name}' is not in the zone.`)
    if (records.some(({ name, type }) => name === set.name && type === set.type)) {
      throw new GcpError('alreadyExists', `The resource ${what} named '${set.name} (${set.type})' already exists`)
    }
    records.push(set)
    if (conflictsWithAlias(records, set.name)) {
      throw new GcpError(
        'invalid',
        `The resource record set ${what} is invalid because a CNAME resource record set cannot share its name '${set.name}'.`,
      )
    }
  }
  zone.records = records
}

export function readSet(sent: Sent): RecordSet {
  const name = typeof sent.name === 'string' && sent.name.endsWith('.') ? recordName(sent.name) : null
  if (name === null) throw invalid(`the name of a record has to be a whole one with a dot at its end`)
  const type = String(sent.type ?? '')
  if (!/^[A-Z]+$/.test(type)) throw invalid('a record has no type')
  const ttl = Number(sent.ttl ?? 0)
  const values = Array.isArray(sent.rrdatas) ? sent.rrdatas.map(String) : []
  const { routingPolicy } = sent
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > 2_147_483_647) throw invalid(`the ttl of ${name} is no number of seconds`)
  if (values.length === 0 && routingPolicy === undefined) throw invalid(`${name} has no rrdatas`)
  if (type === 'A' && values.some((value) => !isIPv4(value))) throw invalid(`${name} has an rrdata that is no IPv4 address`)
  if (type === 'CNAME' && values.some((value) => !value.endsWith('.')))
    throw invalid(`${name} leads to a name without a dot at its end`)
  return { name, type, ttl, values, etag: newEtag(), ...(routingPolicy !== undefined && { more: { routingPolicy } }) }
}

function isSame(one: RecordSet, other: RecordSet): boolean {
  const content = ({ ttl, values, more }: RecordSet) =>
    JSON.stringify([ttl, values.map((value) => value.toLowerCase()).sort(), more])
  return content(one) === content(other)
}

export function viewOf({ name, type, ttl, values, more = {} }: RecordSet): object {
  return {
    kind: 'dns#resourceRecordSet',
    name,
    type,
    ttl,
    ...(values.length > 0 && { rrdatas: values }),
    signatureRrdatas: [],
    ...more,
  }
}
