/** The RDS endpoint: every action is a POST to `/`. Authenticates, finds the operation, renders what it answers or throws. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Fault, takeFault } from '../faults'
import type { AwsCloud } from './cloud'
import { AwsError } from './errors'
import { OPERATIONS } from './operations/table'
import { Query } from './protocol/query'
import { authenticate } from './protocol/signature'
import { answer, errorAnswer } from './protocol/xml'

const VERSION = '2014-10-31'

export function serveAws(api: FastifyInstance, current: () => AwsCloud, faults: Fault[]): void {
  api.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body)
  })
  api.post('/', async (request, reply) => {
    const requestId = randomUUID()
    const cloud = current()
    const { action, status, xml } = await handle(request, cloud, requestId)
    if (status === 200 && takeFault(faults, { cloud: 'aws', action, kind: 'drop-response' })) {
      await cloud.save()
      return dropResponse(request, reply)
    }
    return reply.code(status).header('content-type', 'text/xml').header('x-amzn-requestid', requestId).send(xml)
  })
}

async function handle(
  request: FastifyRequest,
  cloud: AwsCloud,
  requestId: string,
): Promise<{ action: string; status: number; xml: string }> {
  const body = typeof request.body === 'string' ? request.body : ''
  const query = Query.parse(body)
  const action = query.text('Action') ?? ''
  try {
    const { region } = authenticate({ headers: request.headers, body }, cloud.accessKey)
    const operation = OPERATIONS.get(action)
    const version = query.text('Version')
    if (!operation || version !== VERSION) {
      throw new AwsError('InvalidAction', `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`)
    }
    const result = await operation({ cloud, region, query })
    // nobody may act on a state that a crash could take back
    await cloud.saved()
    return { action, status: 200, xml: answer(action, result, requestId) }
  } catch (error) {
    if (!(error instanceof AwsError)) cloud.log(`${action}: ${error instanceof Error ? error.stack : error}`)
    const known = error instanceof AwsError ? error : new AwsError('InternalFailure', 'An internal error has occurred.')
    return { action, status: known.status, xml: errorAnswer(known, requestId) }
  }
}

function dropResponse(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.destroy()
  return reply
}
