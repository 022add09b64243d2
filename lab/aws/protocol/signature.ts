/** Signature Version 4, verified: who calls, and for which region. The region is in the credential's scope and nowhere else,
 *  so one port serves every region. Source: AWS, "Create a signed AWS API request"; its codes: "Common Errors" of the RDS API. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { AccessKey } from '../../credentials'
import { AwsError } from '../errors'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
const RDS = 'rds'
const POST = { method: 'POST', path: '/', query: '' } as const
/** A signature is good for as long before and after its time. */
export const VALID_MS = 15 * 60_000
/** Key, date, region and service. */
export const CREDENTIAL = /^([^/\s]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request$/

export interface SignedRequest {
  headers: IncomingHttpHeaders
  body: Uint8Array
  /** What was asked for; absent: the one thing that RDS is asked. */
  target?: { readonly method: string; readonly path: string; readonly query: string }
  /** Of the credential's scope; absent: RDS. */
  service?: string
}

interface Authorization {
  accessKeyId: string
  date: string
  region: string
  service: string
  signedHeaders: readonly string[]
  signature: string
}

/** `keyOf`: the key of that id, if there is one. @returns the region, and whose key it was. @throws AwsError MissingAuthenticationToken, IncompleteSignature, InvalidClientTokenId, SignatureDoesNotMatch. */
export function authenticate(
  request: SignedRequest,
  keyOf: (accessKeyId: string) => AccessKey | undefined,
  now = Date.now(),
): { region: string; accessKeyId: string } {
  const header = request.headers.authorization
  if (!header) throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token')
  const authorization = parseAuthorization(header)
  const key = keyOf(authorization.accessKeyId)
  if (key === undefined) {
    throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid.')
  }
  checkScope(request, authorization, now)
  const expected = signatureOf(request, authorization, key)
  if (!timingSafeEqual(expected, Buffer.from(authorization.signature, 'hex'))) {
    throw mismatch('The request signature we calculated does not match the signature you provided.')
  }
  return { region: authorization.region, accessKeyId: authorization.accessKeyId }
}

function parseAuthorization(header: string): Authorization {
  const parts = new Map(
    header
      .slice(ALGORITHM.length)
      .split(',')
      .map((part) => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1).trim()]),
  )
  const credential = CREDENTIAL.exec(parts.get('Credential') ?? '')
  const signedHeaders = parts.get('SignedHeaders') ?? ''
  const signature = parts.get('Signature') ?? ''
  if (!header.startsWith(`${ALGORITHM} `) || !credential || !/^[a-z0-9-]+(;[a-z0-9-]+)*$/.test(signedHeaders)) {
    throw new AwsError(
      'IncompleteSignature',
      `Authorization header requires ${ALGORITHM} with 'Credential' of five parts, 'SignedHeaders' and 'Signature'.`,
    )
  }
  if (!/^[0-9a-f]{64}$/.test(signature)) throw new AwsError('IncompleteSignature', "'Signature' is not 64 hexadecimal digits.")
  const [, accessKeyId = '', date = '', region = '', service = ''] = credential
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature }
}

function checkScope(request: SignedRequest, { date, service, signedHeaders }: Authorization, now: number): void {
  const { headers, service: wanted = RDS } = request
  if (service !== wanted) throw mismatch(`Credential should be scoped to correct service: '${wanted}'.`)
  if (!signedHeaders.includes('host')) throw mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.")
  const stamp = headerText(headers['x-amz-date'])
  const at = timeOf(stamp)
  if (at === undefined)
    throw new AwsError('IncompleteSignature', 'Date must be in ISO-8601 basic format, in the header X-Amz-Date.')
  if (!stamp.startsWith(date)) throw mismatch('Date in Credential scope does not match YYYYMMDD from the header X-Amz-Date.')
  // what is no date is not in time either
  if (!(at >= now - VALID_MS)) throw mismatch(`Signature expired: ${stamp} is more than 15 minutes ago.`)
  if (at > now + VALID_MS) throw mismatch(`Signature not yet current: ${stamp} is more than 15 minutes ahead.`)
}

/** Of an `X-Amz-Date`: milliseconds, NaN for what is no date; undefined for what does not look like one. */
export function timeOf(stamp: string): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp)
  if (!found) return undefined
  const [, year, month, day, hour, minute, second] = found
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function signatureOf({ headers, body, target = POST }: SignedRequest, authorization: Authorization, key: AccessKey): Buffer {
  const { date, region, service, signedHeaders } = authorization
  const canonical = [
    target.method,
    // of an encoded path, which is encoded once more
    encodeURIComponent(target.path).replaceAll('%2F', '/'),
    canonicalQuery(target.query),
    ...signedHeaders.map((name) => `${name}:${headerText(headers[name])}`),
    '',
    signedHeaders.join(';'),
    sha256(body),
  ].join('\n')
  return signature(canonical, { stamp: headerText(headers['x-amz-date']), date, region, service }, key)
}

/** Sorted, and encoded as RFC 3986 has it. */
function canonicalQuery(query: string): string {
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  return [...new URLSearchParams(query)]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
}

export interface Scope {
  /** The time, as in `X-Amz-Date`. */
  stamp: string
  date: string
  region: string
  service: string
}

/** Of a canonical request. */
export function signature(canonical: string, { stamp, date, region, service }: Scope, key: AccessKey): Buffer {
  const scope = `${date}/${region}/${service}/aws4_request`
  const toSign = [ALGORITHM, stamp, scope, sha256(canonical)].join('\n')
  const signingKey = [date, region, service, 'aws4_request'].reduce<Buffer>(
    (signer, part) => createHmac('sha256', signer).update(part).digest(),
    Buffer.from(`AWS4${key.secretAccessKey}`),
  )
  return createHmac('sha256', signingKey).update(toSign).digest()
}

function mismatch(message: string): AwsError {
  return new AwsError('SignatureDoesNotMatch', message)
}

function headerText(value: string | string[] | undefined): string {
  return [value ?? ''].flat().join(',').trim().replace(/\s+/g, ' ')
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
