/** The Cloud SQL Admin API, v1 and v1beta4. Authenticates, finds the call, renders what it answers or throws; lets ordered faults
 *  strike, and writes each call of a known caller down before it is answered: a stranger must not push those out. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallLog } from '../calls'
import type { Publishing } from '../dns/publishing'
import type { FaultBook } from '../faults/book'
import { type Again, CallFaults } from '../faults/call-faults'
import type { Effects } from '../faults/effects'
import type { CallFacts, Fault } from '../faults/fault'
import { delivered } from '../faults/twice'
import { authorize } from './access/authorize'
import type { GcpCloud } from './cloud'
import { serveCloudDns } from './dns/router'
import { GcpError } from './errors'
import { factsOf, isQuestion, labelsOf, NOTHING } from './facts'
import { GCP_FAULTS } from './faults/table'
import { OPERATIONS } from './operations/table'
import { authenticate } from './protocol/bearer'
import { writeMessage } from './protocol/json'
import { type ApiRequest, readRequest } from './protocol/request'
import { findRoute, PREFIXES, type Route } from './protocol/routes'
import { type GcpState, PROJECT } from './state'

export interface Endpoint {
  /** Resolves with the one of now: while everything is being emptied, calls wait. */
  current(): Promise<GcpCloud>
  faults: FaultBook
  effects: Effects
  calls: CallLog
  /** Aborted when the lab closes: whoever waits, waits no longer. */
  closing: AbortSignal
  /** Of managed zones. */
  publishing: Publishing
}

/** The most that a request may hold, as in life. */
const BODY_BYTES_MAX = 4_194_304

export function serveGcp(api: FastifyInstance, endpoint: Endpoint): void {
  api.removeAllContentTypeParsers()
  // whatever it says it is, it is read as JSON
  api.addContentTypeParser('*', { parseAs: 'string', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) => done(null, body))
  api.setErrorHandler(async (error: { statusCode?: number }, _request, reply) => {
    const message =
      error.statusCode === 413
        ? `Request payload size exceeds the limit: ${BODY_BYTES_MAX} bytes.`
        : 'Request contains an invalid argument.'
    const refusal = new GcpError('badRequest', message)
    return await reply.code(refusal.http).send(refusal.body())
  })
  for (const prefix of PREFIXES) {
    api.all(`${prefix}*`, async (request, reply) => await answer(request, reply, endpoint))
  }
  serveCloudDns(api, endpoint)
}

interface Handled {
  readonly route: Route | undefined
  readonly read: ApiRequest
  readonly authenticated: boolean
  readonly status: number
  readonly outcome: string
  readonly body: object
  readonly answered: boolean
  readonly struck: CallFaults<GcpState>['struck']
  readonly again?: Again | undefined
}

/** `why`: of a call that arrives for the second time. */
interface Arrival extends Endpoint {
  readonly why: Fault | undefined
}

async function answer(request: FastifyRequest, reply: FastifyReply, endpoint: Endpoint): Promise<FastifyReply> {
  const handled = await delivered(endpoint, async (why) => {
    const at = new Date().toISOString()
    const arrived = await handle(request, { ...endpoint, why })
    if (arrived.authenticated) endpoint.calls.record(recordOf(at, arrived))
    return arrived
  })
  if (!handled.answered) {
    reply.hijack()
    request.raw.socket.destroy()
    return reply
  }
  return reply.code(handled.status).header('content-type', 'application/json; charset=UTF-8').send(handled.body)
}

async function handle(request: FastifyRequest, endpoint: Arrival): Promise<Handled> {
  const cloud = await endpoint.current()
  const { pathname, searchParams } = new URL(request.raw.url ?? '/', 'http://lab')
  const seen = { route: undefined as Route | undefined, read: NOTHING, authenticated: false }
  let faults: CallFaults<GcpState> | undefined
  try {
    seen.route = findRoute(request.method, pathname)
    const identity = cloud.identities.gcp(request.headers.authorization)
    authenticate(request.headers.authorization, identity?.accessToken ?? cloud.accessToken)
    seen.authenticated = true
    const { route } = seen
    if (!route) throw new GcpError('notFound', 'Method not found.')
    seen.read = readRequest(route, searchParams, typeof request.body === 'string' ? request.body : '')
    const { read } = seen
    const project = projectOf(route)
    if (identity) authorize(identity, route, read, project)
    faults = faultsOf(factsOf(route, read), endpoint, cloud)
    await faults.before()
    const operation = OPERATIONS.get(route.method.name)
    if (!operation) throw new GcpError('notImplemented', `This lab does not implement ${route.method.name}.`)
    const state = faults.seen(cloud)
    const view = state === undefined ? cloud : { ...cloud, state }
    const result = await operation({ ...read, cloud: view, prefix: route.prefix, project, faults })
    if (faults.afterwards()) await endpoint.effects.settle()
    const again = faults.arrivesAgain()
    const answered = !(await faults.dropsAnswer())
    // nobody may act on a state that a crash could take back
    await (faults.struck.length > 0 ? cloud.save() : cloud.saved())
    const body = writeMessage(route.method.answer, result, read.enumsAsNumbers)
    return { ...seen, status: 200, outcome: 'ok', body, answered, struck: faults.struck, again }
  } catch (error) {
    const known = error instanceof GcpError ? error : new GcpError('internalError', 'An internal error has occurred.')
    if (known !== error) cloud.log(`${request.method} ${pathname}: ${error instanceof Error ? error.stack : error}`)
    const struck = faults?.struck ?? []
    if (struck.length > 0) await cloud.save()
    return { ...seen, status: known.http, outcome: known.reason, body: known.body(), answered: true, struck }
  }
}

/** @throws GcpError notAuthorized for a project that is not the token's. */
function projectOf({ fields }: Route): string {
  const named = fields.project ?? Object.values(fields)[0]?.split('/')[1] ?? PROJECT
  if (named !== PROJECT) throw new GcpError('notAuthorized', 'The client is not authorized to make this request.')
  return named
}

function faultsOf(call: CallFacts, endpoint: Arrival, { state }: GcpCloud): CallFaults<GcpState> {
  return new CallFaults({
    book: endpoint.faults,
    effects: endpoint.effects,
    kinds: GCP_FAULTS,
    call,
    targetOf: ({ id }) => (Object.hasOwn(state.instances, id) ? id : undefined),
    signal: endpoint.closing,
    again: endpoint.why,
  })
}

function recordOf(at: string, handled: Handled): Parameters<CallLog['record']>[0] {
  const { route, read, status, outcome, answered, struck } = handled
  const { operation, region, resources } = route ? factsOf(route, read) : { operation: '', region: '', resources: [] }
  return {
    at,
    cloud: 'gcp',
    account: PROJECT,
    region,
    operation,
    resources,
    tags: labelsOf(read),
    outcome,
    status,
    answered,
    effect: outcome === 'ok' && route !== undefined && !isQuestion(route),
    faults: struck,
    requestId: randomUUID(),
  }
}
