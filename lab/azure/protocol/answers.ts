/** Answers of Resource Manager: the envelope of errors, and the headers by which a client follows what was promised. Without these
 *  an SDK takes a 202 for the end. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../cloud'
import { AzureError } from '../errors'
import { type AsyncOperation, TENANT } from '../state'
import { callersAddress } from './address'
import { NAMESPACE } from './path'
import { challenge } from './token'

export function answerWith(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  { error, requestId }: { error: AzureError | null; requestId: string },
): FastifyReply {
  reply.code(answer.status)
  reply.headers({
    'cache-control': 'no-cache',
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': requestId,
    'x-content-type-options': 'nosniff',
  })
  const clients = request.headers['x-ms-client-request-id']
  if (request.headers['x-ms-return-client-request-id'] === 'true' && typeof clients === 'string') {
    reply.header('x-ms-client-request-id', clients)
  }
  if (error?.status === 401) reply.header('www-authenticate', challenge(TENANT, error.code))
  if (error?.retryAfterS !== undefined) reply.header('retry-after', String(error.retryAfterS))
  if (answer.operation) reply.headers(followHeaders(request, answer.operation, answer.retryAfterS))
  if (answer.body === undefined) return reply.send()
  return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer.body))
}

function followHeaders(request: FastifyRequest, operation: AsyncOperation, retryAfterS = 1): Record<string, string> {
  const encrypted = 'encrypted' in request.raw.socket
  const { subscription, location, id } = operation
  const base = `${callersAddress(request.headers, encrypted)}/subscriptions/${subscription}/providers/${NAMESPACE}/locations/${location}`
  const version = encodeURIComponent(String((request.query as Record<string, unknown>)['api-version']))
  return {
    'azure-asyncoperation': `${base}/azureAsyncOperation/${id}?api-version=${version}`,
    location: `${base}/operationResults/${id}?api-version=${version}`,
    'retry-after': String(retryAfterS),
  }
}

export function errorBody({ code, message }: AzureError): object {
  return { error: { code, message } }
}

/** What the HTTP server found wrong with a body, in Resource Manager's words; undefined for whatever else went wrong. */
export function refuseBody(error: Error & { code?: string; statusCode?: number }, bytesMax: number): AzureError | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AzureError('RequestEntityTooLarge', `The request content size exceeds the maximum size of '${bytesMax}' bytes.`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AzureError(
        'UnsupportedMediaType',
        "The content media type is not supported. Only 'application/json' is supported.",
      )
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new AzureError('InvalidRequestContent', 'The request content was invalid and could not be deserialized.')
        : undefined
  }
}
