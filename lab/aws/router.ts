/** The RDS endpoint: every action is a POST to `/`. Authenticates, finds the operation, renders what it answers or throws; lets
 *  ordered faults strike, and writes each call of a known caller down before it is answered: a stranger must not push those out. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallLog } from '../calls'
import type { FaultBook } from '../faults/book'
import { CallFaults } from '../faults/call-faults'
import type { Effects } from '../faults/effects'
import type { CallFacts } from '../faults/fault'
import type { AwsCloud } from './cloud'
import { AwsError } from './errors'
import { isQuestion, resourcesOf, tagsOf } from './facts'
import { AWS_FAULTS } from './faults/table'
import { OPERATIONS } from './operations/table'
import { Query } from './protocol/query'
import { authenticate } from './protocol/signature'
import { answer, errorAnswer } from './protocol/xml'
import { ACCOUNT, type AwsState, key } from './state'

const VERSION = '2014-10-31'

export interface Endpoint {
  /** Resolves with the one of now: while everything is being emptied, calls wait. */
  current(): Promise<AwsCloud>
  faults: FaultBook
  effects: Effects
  calls: CallLog
  /** Aborted when the lab closes: whoever waits, waits no longer. */
  closing: AbortSignal
}

export function serveAws(api: FastifyInstance, endpoint: Endpoint): void {
  api.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body)
  })
  api.post('/', async (request, reply) => {
    const call = readCall(request)
    const handled = await handle(request, call, endpoint)
    const { status, xml, answered } = handled
    if (handled.authenticated) endpoint.calls.record(recordOf(call, handled))
    if (!answered) return dropResponse(request, reply)
    return reply.code(status).header('content-type', 'text/xml').header('x-amzn-requestid', call.requestId).send(xml)
  })
}

interface ReceivedCall {
  requestId: string
  at: string
  body: string
  query: Query
  action: string
}

interface Handled {
  authenticated: boolean
  region: string
  status: number
  outcome: string
  xml: string
  answered: boolean
  struck: CallFaults<AwsState>['struck']
}

function readCall(request: FastifyRequest): ReceivedCall {
  const body = typeof request.body === 'string' ? request.body : ''
  const query = Query.parse(body)
  return { requestId: randomUUID(), at: new Date().toISOString(), body, query, action: query.text('Action') ?? '' }
}

async function handle(request: FastifyRequest, call: ReceivedCall, endpoint: Endpoint): Promise<Handled> {
  const { action, query, requestId } = call
  const cloud = await endpoint.current()
  let region = ''
  let authenticated = false
  let faults: CallFaults<AwsState> | undefined
  try {
    region = authenticate({ headers: request.headers, body: call.body }, cloud.accessKey).region
    authenticated = true
    const operation = OPERATIONS.get(action)
    const version = query.text('Version')
    if (!operation || version !== VERSION) {
      throw new AwsError('InvalidAction', `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`)
    }
    const facts = { cloud: 'aws', operation: action, account: ACCOUNT, region, resources: resourcesOf(query) }
    faults = faultsOf(facts, endpoint, cloud)
    await faults.before()
    const state = faults.seen(cloud)
    const result = await operation({ cloud: state === undefined ? cloud : { ...cloud, state }, region, query, faults })
    if (faults.afterwards()) await endpoint.effects.settle()
    const answered = !(await faults.dropsAnswer())
    // nobody may act on a state that a crash could take back
    await (faults.struck.length > 0 ? cloud.save() : cloud.saved())
    const xml = answer(action, result, requestId)
    return { authenticated, region, status: 200, outcome: 'ok', xml, answered, struck: faults.struck }
  } catch (error) {
    if (!(error instanceof AwsError)) cloud.log(`${action}: ${error instanceof Error ? error.stack : error}`)
    const known = error instanceof AwsError ? error : new AwsError('InternalFailure', 'An internal error has occurred.')
    const struck = faults?.struck ?? []
    if (struck.length > 0) await cloud.save()
    const xml = errorAnswer(known, requestId)
    return { authenticated, region, status: known.status, outcome: known.code, xml, answered: true, struck }
  }
}

function faultsOf(call: CallFacts, endpoint: Endpoint, { state }: AwsCloud): CallFaults<AwsState> {
  return new CallFaults({
    book: endpoint.faults,
    effects: endpoint.effects,
    kinds: AWS_FAULTS,
    call,
    targetOf: ({ id }) => (state.instances[key(call.region, id)] ? key(call.region, id) : undefined),
    signal: endpoint.closing,
  })
}

function recordOf({ requestId, at, query, action }: ReceivedCall, handled: Handled): Parameters<CallLog['record']>[0] {
  const { region, status, outcome, answered, struck } = handled
  return {
    at,
    cloud: 'aws',
    account: ACCOUNT,
    region,
    operation: action,
    resources: resourcesOf(query),
    tags: tagsOf(query),
    outcome,
    status,
    answered,
    effect: outcome === 'ok' && !isQuestion(action),
    faults: struck,
    requestId,
  }
}

function dropResponse(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.destroy()
  return reply
}
