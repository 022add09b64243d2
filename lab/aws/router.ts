/** The RDS endpoint: every action is a POST to `/`. Authenticates, finds the operation, renders what it answers or throws; lets
 *  ordered faults strike, and writes each call of a known caller down before it is answered: a stranger must not push those out. */
import { randomUUID } from 'node:crypto'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AwsIdentity } from '../access/identities'
import type { CallLog } from '../calls'
import type { Publishing } from '../dns/publishing'
import type { FaultBook } from '../faults/book'
import { type Again, CallFaults } from '../faults/call-faults'
import type { Effects } from '../faults/effects'
import type { CallFacts, Fault } from '../faults/fault'
import { delivered } from '../faults/twice'
import { authorize } from './access/authorize'
import type { AwsCloud, Operation } from './cloud'
import { serveRoute53 } from './dns/router'
import { AwsError } from './errors'
import { isQuestion, resourcesOf, tagsOf } from './facts'
import { AWS_FAULTS } from './faults/table'
import { OPERATIONS } from './operations/table'
import { checkInput } from './protocol/input'
import { type Action, isAction } from './protocol/model'
import { isForm, Query } from './protocol/query'
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
  /** Of hosted zones. */
  publishing: Publishing
}

export function serveAws(scope: FastifyInstance, endpoint: Endpoint): void {
  scope.removeAllContentTypeParsers()
  // whatever it says it is: the form is looked at when the caller is known
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  scope.setErrorHandler<FastifyError>((error, _request, reply) => {
    const requestId = randomUUID()
    const known =
      error.statusCode === 413
        ? new AwsError('RequestEntityTooLarge', 'The request is larger than 1 MiB.')
        : new AwsError('InternalFailure', 'An internal error has occurred.')
    return send(reply, { status: known.status, xml: errorAnswer(known, requestId) }, requestId)
  })
  scope.post('/', async (request, reply) => {
    const handled = await delivered(endpoint, async (why) => {
      const call = readCall(request)
      const arrived = await handle(request, call, { ...endpoint, why })
      if (arrived.authenticated) endpoint.calls.record(recordOf(call, arrived))
      return { ...arrived, requestId: call.requestId }
    })
    if (!handled.answered) return dropResponse(request, reply)
    return send(reply, handled, handled.requestId)
  })
  serveRoute53(scope, endpoint)
}

function send(reply: FastifyReply, { status, xml }: { status: number; xml: string }, requestId: string): FastifyReply {
  return reply.code(status).header('content-type', 'text/xml').header('x-amzn-requestid', requestId).send(xml)
}

interface ReceivedCall {
  requestId: string
  at: string
  body: Buffer
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
  again?: Again | undefined
}

/** `why`: of a call that arrives for the second time. */
interface Arrival extends Endpoint {
  readonly why: Fault | undefined
}

function readCall(request: FastifyRequest): ReceivedCall {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const query = Query.parse(body.toString('utf8'))
  return { requestId: randomUUID(), at: new Date().toISOString(), body, query, action: query.text('Action') ?? '' }
}

async function handle(request: FastifyRequest, call: ReceivedCall, endpoint: Arrival): Promise<Handled> {
  const { action, query, requestId } = call
  const cloud = await endpoint.current()
  let region = ''
  let authenticated = false
  let faults: CallFaults<AwsState> | undefined
  try {
    const caller = callerOf(request, call, cloud)
    region = caller.region
    authenticated = true
    const { operation, name } = operationOf(call)
    // before anything strikes: a call that nobody may make is not carried out, however the lab misbehaves
    if (caller.identity) authorize(caller.identity, { action, query, region }, cloud.state)
    const facts = { cloud: 'aws', operation: action, account: ACCOUNT, region, resources: resourcesOf(query) }
    faults = faultsOf(facts, endpoint, cloud)
    await faults.before()
    checkInput(name, query.form)
    const state = faults.seen(cloud)
    const result = await operation({ cloud: state === undefined ? cloud : { ...cloud, state }, region, query, faults })
    if (faults.afterwards()) await endpoint.effects.settle()
    const again = faults.arrivesAgain()
    const answered = !(await faults.dropsAnswer())
    // nobody may act on a state that a crash could take back
    await (faults.struck.length > 0 ? cloud.save() : cloud.saved())
    const xml = answer(name, result, requestId)
    return { authenticated, region, status: 200, outcome: 'ok', xml, answered, struck: faults.struck, again }
  } catch (error) {
    if (!(error instanceof AwsError)) cloud.log(`${action}: ${error instanceof Error ? error.stack : error}`)
    const known = error instanceof AwsError ? error : new AwsError('InternalFailure', 'An internal error has occurred.')
    const struck = faults?.struck ?? []
    if (struck.length > 0) await cloud.save()
    const xml = errorAnswer(known, requestId)
    return { authenticated, region, status: known.status, outcome: known.code, xml, answered: true, struck }
  }
}

/** `identity`: undefined for the lab's owner, who may do everything. */
function callerOf(
  { headers }: FastifyRequest,
  { body }: ReceivedCall,
  { accessKey, identities }: AwsCloud,
): { region: string; identity: AwsIdentity | undefined } {
  const keyOf = (id: string) => (id === accessKey.accessKeyId ? accessKey : identities.aws(id)?.accessKey)
  const { region, accessKeyId } = authenticate({ headers, body }, keyOf)
  return { region, identity: accessKeyId === accessKey.accessKeyId ? undefined : identities.aws(accessKeyId) }
}

/** @throws AwsError MalformedQueryString, MissingAction, InvalidAction. */
function operationOf({ action, body, query }: ReceivedCall): { operation: Operation; name: Action } {
  if (!isForm(body)) throw new AwsError('MalformedQueryString', 'The query string contains a syntax error.')
  if (action === '') throw new AwsError('MissingAction', 'The request is missing an action.')
  const operation = OPERATIONS.get(action)
  const version = query.text('Version')
  if (operation && isAction(action) && version === VERSION) return { operation, name: action }
  throw new AwsError('InvalidAction', `Could not find operation ${action} for version ${version ?? 'NO_VERSION_SPECIFIED'}`)
}

function faultsOf(call: CallFacts, endpoint: Arrival, { state }: AwsCloud): CallFaults<AwsState> {
  return new CallFaults({
    book: endpoint.faults,
    effects: endpoint.effects,
    kinds: AWS_FAULTS,
    call,
    targetOf: ({ id }) => (state.instances[key(call.region, id)] ? key(call.region, id) : undefined),
    signal: endpoint.closing,
    again: endpoint.why,
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
