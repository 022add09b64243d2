/** Tokens of IAM database authentication: a GET of `rds-db` that was signed beforehand, its address without the scheme. Checked as the
 *  server of one instance would. Sources: RDS user guide, "Connecting using IAM authentication"; IAM user guide, "Create a signed AWS API request". */
import { timingSafeEqual } from 'node:crypto'
import type { AccessKey } from '../../credentials'
import { ALGORITHM, CREDENTIAL, sha256, signature, timeOf, VALID_MS } from '../protocol/signature'

export interface Asked {
  /** 'address:port' of whatever leads to the instance. */
  readonly endpoints: readonly string[]
  readonly region: string
  readonly user: string
  keyOf(accessKeyId: string): AccessKey | undefined
  readonly now: number
}

/** Whose key signed it; or why it is not good, for people, without anything of the token. */
export type Verdict = { readonly accessKeyId: string } | { readonly refused: string }

const SERVICE = 'rds-db'
const EXPIRES_SECONDS_MAX = 900
const KNOWN = [
  'Action',
  'DBUser',
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
] as const
type Name = (typeof KNOWN)[number]

export function judgeToken(token: string, asked: Asked): Verdict {
  const [, endpoint = '', query = ''] = /^([^/?#\s]+)\/?\?([^#\s]+)$/.exec(token) ?? []
  const parameters = parse(query)
  if (!parameters) return { refused: 'it is no token' }
  if (parameters.has('X-Amz-Security-Token')) return { refused: 'this lab has no temporary credentials' }
  const of = (name: Name): string => parameters.get(name) ?? ''
  const [, accessKeyId = '', date = '', region = '', service = ''] = CREDENTIAL.exec(of('X-Amz-Credential')) ?? []
  const key = asked.keyOf(accessKeyId)
  if (key === undefined) return { refused: 'nobody has its access key' }
  const scope = { stamp: of('X-Amz-Date'), date, region, service }
  const canonical = ['GET', '/', canonicalQuery(parameters), `host:${endpoint}`, '', 'host', sha256('')].join('\n')
  const expected = signature(canonical, scope, key)
  const given = Buffer.from(of('X-Amz-Signature'), 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { refused: 'its signature is not right' }
  const refused = objection({ ...scope, endpoint, of }, asked)
  return refused === undefined ? { accessKeyId } : { refused }
}

interface Signed {
  endpoint: string
  stamp: string
  date: string
  region: string
  service: string
  of(name: Name): string
}

/** To what was signed. */
function objection({ endpoint, stamp, date, region, service, of }: Signed, asked: Asked): string | undefined {
  if (of('X-Amz-Algorithm') !== ALGORITHM || of('X-Amz-SignedHeaders') !== 'host') return 'it is signed in another way'
  if (service !== SERVICE || of('Action') !== 'connect') return 'it is for something else'
  if (region !== asked.region) return `it is for the region ${region.slice(0, 40)}`
  if (!asked.endpoints.includes(endpoint)) return 'it is for another endpoint'
  if (of('DBUser') !== asked.user) return 'it is for another user'
  const [at, seconds] = [timeOf(stamp), /^\d{1,6}$/.test(of('X-Amz-Expires')) ? Number(of('X-Amz-Expires')) : 0]
  if (at === undefined || !stamp.startsWith(date)) return 'it has no time'
  if (seconds < 1 || seconds > EXPIRES_SECONDS_MAX) return 'it is to be good for longer than 15 minutes'
  // what is no date is not in time either
  if (!(asked.now < at + seconds * 1_000)) return 'it has expired'
  return asked.now < at - VALID_MS ? 'its time has not come' : undefined
}

/** By name, decoded. Undefined when something is there twice or cannot be read, or too little is there. */
function parse(query: string): Map<string, string> | undefined {
  const found = new Map<string, string>()
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const [name, value] = [decode(pair.slice(0, Math.max(equals, 0))), decode(pair.slice(equals + 1))]
    if (name === undefined || value === undefined || found.has(name)) return undefined
    found.set(name, value)
  }
  return KNOWN.every((name) => found.has(name)) ? found : undefined
}

function canonicalQuery(parameters: ReadonlyMap<string, string>): string {
  return [...parameters]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Source: RFC 3986, unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
