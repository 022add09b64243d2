/** Azure DNS beside the flexible servers. Calls are authenticated, allowed, struck by faults and written down as those are. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { CallLog } from '../../calls'
import type { Publishing } from '../../dns/publishing'
import type { FaultBook } from '../../faults/book'
import { type Again, CallFaults } from '../../faults/call-faults'
import type { Effects } from '../../faults/effects'
import type { Fault } from '../../faults/fault'
import { delivered } from '../../faults/twice'
import { isAllowed } from '../access/roles'
import type { AzureCloud } from '../cloud'
import { AzureError } from '../errors'
import { AZURE_FAULTS } from '../faults/table'
import { answerWith, errorBody } from '../protocol/answers'
import { authenticate } from '../protocol/token'
import { parseApiVersion } from '../protocol/version'
import { type AzureState, SUBSCRIPTION } from '../state'
import { type DnsPath, operationOf } from './operations'

const REGION = 'global'
const PATH = '/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Network/*'

export interface DnsEndpoint {
  current(): Promise<AzureCloud>
  readonly faults: FaultBook
  readonly effects: Effects
  readonly calls: CallLog
  readonly closing: AbortSignal
  readonly publishing: Publishing
}

interface Handled {
  operation: string
  question: boolean
  resources: { type: string; id: string }[]
  status: number
  body: object | undefined
  error: AzureError | null
  answered: boolean
  struck: CallFaults<AzureState>['struck']
  again?: Again | undefined
}

/** `why`: of a call that arrives for the second time. */
interface Arrival extends DnsEndpoint {
  readonly why: Fault | undefined
}

export function serveDns(scope: FastifyInstance, endpoint: DnsEndpoint): void {
  scope.all(PATH, async (request, reply) => {
    const handled = await delivered(endpoint, async (why) => {
      const [at, requestId] = [new Date().toISOString(), randomUUID()]
      const arrived = await handle(request, { ...endpoint, why })
      endpoint.calls.record(recordOf(at, requestId, arrived))
      return { ...arrived, requestId }
    })
    if (!handled.answered) {
      reply.hijack()
      request.raw.socket.destroy()
      return reply
    }
    const { status, body, error, requestId } = handled
    return answerWith(request, reply, { status, ...(body && { body }) }, { error, requestId })
  })
}

async function handle(request: FastifyRequest, endpoint: Arrival): Promise<Handled> {
  const cloud = await endpoint.current()
  const handled: Handled = {
    operation: '',
    question: true,
    resources: [],
    status: 500,
    body: undefined,
    error: null,
    answered: true,
    struck: [],
  }
  let faults: CallFaults<AzureState> | undefined
  try {
    const { pathname, searchParams: query } = new URL(request.raw.url ?? '/', 'http://lab')
    parseApiVersion(query.get('api-version') ?? undefined)
    const path = pathOf(pathname)
    handled.resources = [{ type: 'zone', id: path.zone.toLowerCase() }]
    const operation = operationOf(request.method, path)
    if (!operation)
      throw new AzureError('MethodNotAllowed', `The HTTP method '${request.method}' is not supported at this address.`)
    Object.assign(handled, { operation: operation.name, question: operation.question })
    authorize(request, cloud, operation.action.replace('TYPE', (path.rest[0] ?? '').toUpperCase()), pathname)
    const call = {
      cloud: 'azure',
      operation: operation.name,
      account: SUBSCRIPTION,
      region: REGION,
      resources: handled.resources,
    }
    const { faults: book, effects, closing: signal, why } = endpoint
    faults = new CallFaults({ book, effects, kinds: AZURE_FAULTS, call, targetOf: () => undefined, signal, again: why })
    await faults.before()
    const { dnsZones: zones } = faults.seen(cloud) ?? cloud.state
    const conditions = { ifMatch: header(request, 'if-match'), ifNoneMatch: header(request, 'if-none-match') }
    const { status, body, changed } = operation.run({ zones, path, query, conditions, body: bodyOf(request) })
    if (changed) endpoint.publishing.announce(changed.zone, changed.change)
    handled.again = faults.arrivesAgain()
    Object.assign(handled, { status, body, answered: !(await faults.dropsAnswer()) })
    // nobody may act on a state that a crash could take back
    await (operation.question && faults.struck.length === 0 ? cloud.saved() : cloud.save())
  } catch (error) {
    if (!(error instanceof AzureError)) cloud.log(`${handled.operation}: ${error instanceof Error ? error.stack : error}`)
    const known =
      error instanceof AzureError
        ? error
        : new AzureError('InternalServerError', 'An unexpected error occured while processing the request.')
    Object.assign(handled, { status: known.status, body: errorBody(known), error: known, answered: true })
    if (faults && faults.struck.length > 0) await cloud.save()
  }
  handled.struck = faults?.struck ?? []
  return handled
}

function pathOf(pathname: string): DnsPath {
  const [, , subscription = '', , resourceGroup = '', , , type = '', zone = '', ...rest] = pathname
    .split('/')
    .map(decodeURIComponent)
  if (subscription.toLowerCase() !== SUBSCRIPTION) {
    throw new AzureError('SubscriptionNotFound', `The subscription '${subscription.slice(0, 60)}' could not be found.`)
  }
  if (type.toLowerCase() !== 'dnszones' || zone === '') {
    throw new AzureError(
      'InvalidResourceType',
      `The resource type '${type.slice(0, 60)}' could not be found in the namespace 'Microsoft.Network'.`,
    )
  }
  return { subscription, resourceGroup, zone, rest: rest.filter((part) => part !== '') }
}

/** @throws AzureError AuthorizationFailed. */
function authorize({ headers: { authorization } }: FastifyRequest, cloud: AzureCloud, named: string, path: string): void {
  const identity = cloud.identities.azure(authorization)
  authenticate(authorization, identity?.token ?? cloud.token)
  const action = `Microsoft.Network/${named}`
  if (!identity || isAllowed(identity.assignments, action, path)) return
  throw new AzureError(
    'AuthorizationFailed',
    `The client '${identity.objectId}' with object id '${identity.objectId}' does not have authorization to perform action '${action}' over scope '${path}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  )
}

function header({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function bodyOf({ body }: FastifyRequest): unknown {
  try {
    return typeof body === 'string' && body !== '' ? JSON.parse(body) : {}
  } catch {
    throw new AzureError('InvalidRequestContent', 'The request content was invalid and could not be deserialized.')
  }
}

function recordOf(at: string, requestId: string, handled: Handled): Parameters<CallLog['record']>[0] {
  const { operation, question, resources, status, error, answered, struck: faults } = handled
  const effect = error === null && !question && status !== 204
  const where = { cloud: 'azure', account: SUBSCRIPTION, region: REGION }
  return {
    at,
    ...where,
    operation,
    resources,
    tags: {},
    outcome: error?.code ?? 'ok',
    status,
    answered,
    effect,
    faults,
    requestId,
  }
}
