/** A record out of what a zone has at a name; or why nobody but its owner moves it. */
import { dnsName, ipv4 } from '../contracts/dns-name'
import { type Failure, failure } from '../contracts/failures'
import type { NameRecord } from './dns-port'

/** As a zone's API has it, in words that are the same for all. */
export interface FoundSet {
  readonly type: string
  readonly ttlSeconds: number | null
  readonly values: readonly string[]
  readonly version: string | null
  /** What makes it answer otherwise than with its values, to everybody: `an alias`, `a weighted record`; null: nothing. */
  readonly special: string | null
}

/** Whoever asks for an address is led by one of these. */
const LEADING = ['A', 'AAAA', 'CNAME', 'HTTPS', 'SVCB', 'DNAME', 'ALIAS']

/** `where`: the zone, for people. Fails with ENDPOINT_REFUSED. */
export function soleRecord(name: string, found: readonly FoundSet[], where: string): NameRecord {
  const refused = (why: string): Failure =>
    failure('ENDPOINT_REFUSED', `The name ${name} of ${where} ${why}`, { name, zone: where })
  const leading = found.filter(({ type }) => LEADING.includes(type))
  const [set, another] = leading
  if (set === undefined) {
    const others = [...new Set(found.map(({ type }) => type))].join(', ')
    throw refused(`has no record that leads anywhere${others === '' ? '' : `, only ${others}`}: make an A or a CNAME first.`)
  }
  const special = leading.find((one) => one.special !== null)?.special
  if (special) throw refused(`is ${special}, which is moved by its owner alone: an endpoint is a plain A or CNAME.`)
  if (another !== undefined) {
    const types = leading.map(({ type }) => type).join(' and ')
    throw refused(`has several records (${types}), which would lead to different places: leave one A or CNAME.`)
  }
  const { type, values, ttlSeconds, version } = set
  if (type !== 'A' && type !== 'CNAME') throw refused(`is of type ${type}: an endpoint is an A or a CNAME.`)
  const [text, more] = values
  if (text === undefined || more !== undefined)
    throw refused(`has ${values.length} values, and clients take any of them: leave one.`)
  const value = type === 'A' ? ipv4(text) : dnsName(text)
  if (value === null || ttlSeconds === null) throw refused('has a value that no host has for a name: correct the record.')
  const beside = found.map((one) => one.type).filter((one) => one !== type)
  return { type, value, ttlSeconds, version, beside }
}
