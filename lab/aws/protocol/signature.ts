/** Signature Version 4, verified: who calls, and for which region. The region is in the credential's scope and nowhere else,
 *  so one port serves every region. Source: AWS, "Create a signed AWS API request". */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { AccessKey } from '../../credentials'
import { AwsError } from '../errors'

const HEADER =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/

/** @returns the region. @throws AwsError InvalidClientTokenId, SignatureDoesNotMatch. */
export function authenticate(request: { headers: IncomingHttpHeaders; body: string }, key: AccessKey): { region: string } {
  const found = HEADER.exec(request.headers.authorization ?? '')
  if (!found || found[1] !== key.accessKeyId) {
    throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid.')
  }
  const [, , date = '', region = '', service = '', signedHeaders = '', signature = ''] = found
  const scope = `${date}/${region}/${service}/aws4_request`
  const canonical = [
    'POST',
    '/',
    '',
    ...signedHeaders.split(';').map((name) => `${name}:${headerText(request.headers[name])}`),
    '',
    signedHeaders,
    sha256(request.body),
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', headerText(request.headers['x-amz-date']), scope, sha256(canonical)].join('\n')
  const signingKey = [date, region, service, 'aws4_request'].reduce<Buffer>(
    (signer, part) => createHmac('sha256', signer).update(part).digest(),
    Buffer.from(`AWS4${key.secretAccessKey}`),
  )
  const expected = createHmac('sha256', signingKey).update(toSign).digest()
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    throw new AwsError('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.')
  }
  return { region }
}

function headerText(value: string | string[] | undefined): string {
  return [value ?? ''].flat().join(',').trim().replace(/\s+/g, ' ')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
