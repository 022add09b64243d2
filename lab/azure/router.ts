/** Resource Manager as far as it concerns flexible servers. Authenticates, finds the operation, renders what it answers or throws; lets
 *  ordered faults strike, and writes each call of a known caller down before it is answered: a stranger must not push those out. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AzureIdentity } from '../access/identities'
import type { CallLog } from '../calls'
import type { Publishing } from '../dns/publishing'
import type { FaultBook } from '../faults/book'
import { type Again, CallFaults } from '../faults/call-faults'
import type { Effects } from '../faults/effects'
import type { Fault } from '../faults/fault'
import { delivered } from '../faults/twice'
import { authorize, authorizeSource } from './access/authorize'
import type { Answer, AzureCloud, Call } from './cloud'
import { serveDns } from './dns/router'
import { AzureError } from './errors'
import { regionOf, resourcesOf } from './facts'
import { AZURE_FAULTS } from './faults/table'
import { methodsOf, ROUTES, type Route } from './operations/table'
import { answerWith, errorBody, refuseBody } from './protocol/answers'
import { Body } from './protocol/body'
import { parsePath, type ResourcePath } from './protocol/path'
import { authenticate } from './protocol/token'
import { parseApiVersion } from './protocol/version'
import { type AzureState, own, SUBSCRIPTION, serverKey } from './state'

/** As Resource Manager's. */
const BODY_BYTES_MAX = 4 * 1024 * 1024

export interface Endpoint {
  /** Resolves with the one of now: while everything is being emptied, calls wait. */
  current(): Promise<AzureCloud>
  faults: FaultBook
  effects: Effects
  calls: CallLog
  /** Aborted when the lab closes: whoever waits, waits no longer. */
  closing: AbortSignal
  /** Of zones. */
  publishing: Publishing
}

export function serveAzure(scope: FastifyInstance, endpoint: Endpoint): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(/^application\/json\b/, { parseAs: 'string', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => {
    done(null, body)
  })
  // before anything is read: a stranger's body does not concern us
  scope.addHook('onRequest', async (request) => {
    callerOf(request.headers.authorization, await endpoint.current())
  })
  scope.setErrorHandler(async (error: Error, request, reply) => {
    const known = error instanceof AzureError ? error : refuseBody(error, BODY_BYTES_MAX)
    if (!known) (await endpoint.current()).log(`${request.method} ${request.url}: ${error.stack}`)
    return send(request, reply, failed(known ?? unexpected(randomUUID())), randomUUID())
  })
  const serve = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const handled = await delivered(endpoint, async (why) => {
      const call = received(request)
      const arrived = await handle(call, { ...endpoint, why })
      endpoint.calls.record(recordOf(call, arrived))
      return { ...arrived, requestId: call.requestId }
    })
    if (!handled.answered) return dropResponse(request, reply)
    return send(request, reply, handled, handled.requestId)
  }
  scope.all('/subscriptions/*', serve)
  scope.all('/providers/*', serve)
  serveDns(scope, endpoint)
}

interface ReceivedCall {
  requestId: string
  at: string
  method: string
  path: string
  apiVersion: unknown
  text: string
  authorization: string | undefined
}

interface Handled {
  answer: Answer
  error: AzureError | null
  answered: boolean
  operation: string
  region: string
  resources: ReturnType<typeof resourcesOf>
  tags: Record<string, string>
  question: boolean
  struck: CallFaults<AzureState>['struck']
  again?: Again | undefined
}

/** `why`: of a call that arrives for the second time. */
interface Arrival extends Endpoint {
  readonly why: Fault | undefined
}

function received(request: FastifyRequest): ReceivedCall {
  const [path = ''] = (request.raw.url ?? '').split('?')
  const text = typeof request.body === 'string' ? request.body : ''
  const apiVersion = (request.query as Record<string, unknown>)['api-version']
  const { method, headers } = request
  const { authorization } = headers
  return { requestId: randomUUID(), at: new Date().toISOString(), method, path, apiVersion, text, authorization }
}

async function handle(received: ReceivedCall, endpoint: Arrival): Promise<Handled> {
  const cloud = await endpoint.current()
  const handled: Handled = { ...NOTHING, resources: [], tags: {} }
  let faults: CallFaults<AzureState> | undefined
  try {
    parseApiVersion(received.apiVersion)
    const path = parsePath(received.path)
    handled.resources = resourcesOf(path)
    const route = routeOf(received.method, path)
    Object.assign(handled, { operation: route.name, question: route.question })
    const identity = callerOf(received.authorization, cloud)
    if (identity) authorize(identity, received.method, path, received.path)
    const body = Body.parse(received.text)
    const source = body.text('properties.sourceServerResourceId')
    if (identity && source !== undefined) authorizeSource(identity, source, received.path)
    handled.tags = tagsIn(body)
    handled.region = regionOf(path, locationIn(body), cloud.state)
    faults = faultsOf(handled, endpoint, cloud)
    await faults.before()
    const state = faults.seen(cloud)
    const now = state === undefined ? cloud : { ...cloud, state }
    handled.answer = paced(await route.run(callOf(now, path, body, faults)), cloud)
    if (faults.afterwards()) await endpoint.effects.settle()
    handled.again = faults.arrivesAgain()
    handled.answered = !(await faults.dropsAnswer())
    // nobody may act on a state that a crash could take back
    await (faults.struck.length > 0 ? cloud.save() : cloud.saved())
  } catch (error) {
    if (!(error instanceof AzureError)) cloud.log(`${handled.operation}: ${error instanceof Error ? error.stack : error}`)
    Object.assign(handled, failed(error instanceof AzureError ? error : unexpected(received.requestId)))
    if (faults && faults.struck.length > 0) await cloud.save()
  }
  handled.struck = faults?.struck ?? []
  return handled
}

/** Undefined: the lab's owner, who may do everything. @throws AzureError AuthenticationFailed, InvalidAuthenticationToken. */
function callerOf(authorization: string | undefined, { token, identities }: AzureCloud): AzureIdentity | undefined {
  const identity = identities.azure(authorization)
  authenticate(authorization, identity?.token ?? token)
  return identity
}

/** A client asks again as soon as it makes sense: an SDK takes 0 for no answer, and waits as long as it likes. */
function paced(answer: Answer, { pace }: AzureCloud): Answer {
  return answer.operation ? { ...answer, retryAfterS: pace.profile === 'realistic' ? 15 : 1 } : answer
}

const NOTHING = { answer: { status: 500 }, error: null, answered: true, operation: '', region: '', question: true, struck: [] }

function failed(error: AzureError): { answer: Answer; error: AzureError } {
  return { answer: { status: error.status, body: errorBody(error) }, error }
}

/** Defects of ours are told as the provider tells its own. */
function unexpected(trackingId: string): AzureError {
  const message = `An unexpected error occured while processing the request. Tracking ID: '${trackingId}'`
  return new AzureError('InternalServerError', message)
}

/** @throws AzureError for a path, a method or a subscription that is not there. */
function routeOf(method: string, path: ResourcePath): Route {
  const { subscription, shape } = path
  if (subscription !== null && subscription.toLowerCase() !== SUBSCRIPTION) {
    throw new AzureError('SubscriptionNotFound', `The subscription '${subscription}' could not be found.`)
  }
  const route = ROUTES.get(`${method} ${shape}`)
  if (route) return route
  if (methodsOf(shape).length > 0) {
    throw new AzureError('MethodNotAllowed', `The HTTP method '${method}' is not supported at this address.`)
  }
  throw new AzureError(
    'InvalidResourceType',
    `The resource type '${shape.replaceAll('/{}', '').slice(0, 100)}' could not be found in the namespace 'Microsoft.DBforPostgreSQL'.`,
  )
}

function callOf(cloud: AzureCloud, path: ResourcePath, body: Body, faults: Call['faults']): Call {
  return {
    cloud,
    path,
    body,
    faults,
    async read(other) {
      const target = parsePath(other)
      return routeOf('GET', target).run(callOf(cloud, target, Body.parse(''), faults))
    },
  }
}

function faultsOf(handled: Handled, endpoint: Arrival, { state }: AzureCloud): CallFaults<AzureState> {
  const { operation, region, resources } = handled
  return new CallFaults({
    book: endpoint.faults,
    effects: endpoint.effects,
    kinds: AZURE_FAULTS,
    call: { cloud: 'azure', operation, account: SUBSCRIPTION, region, resources },
    targetOf: ({ id }) => (own(state.servers, serverKey(id)) ? serverKey(id) : undefined),
    signal: endpoint.closing,
    again: endpoint.why,
  })
}

/** As sent, right or wrong. */
function tagsIn(body: Body): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(body.record('tags') ?? {}).slice(0, 50))
  } catch {
    return {}
  }
}

function locationIn(body: Body): string | undefined {
  try {
    return body.text('location')
  } catch {
    return undefined
  }
}

function recordOf({ requestId, at }: ReceivedCall, handled: Handled): Parameters<CallLog['record']>[0] {
  const { answer, error, answered, operation, region, resources, tags, question, struck } = handled
  return {
    at,
    cloud: 'azure',
    account: SUBSCRIPTION,
    region,
    operation,
    resources,
    tags,
    outcome: error?.code ?? 'ok',
    status: answer.status,
    answered,
    effect: error === null && !question && answer.status !== 204,
    faults: struck,
    requestId,
  }
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { answer, error }: Pick<Handled, 'answer' | 'error'>,
  requestId: string,
): FastifyReply {
  return answerWith(request, reply, answer, { error, requestId })
}

function dropResponse(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.destroy()
  return reply
}
