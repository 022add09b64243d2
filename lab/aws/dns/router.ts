/** Route 53 beside RDS, on the same port: REST and XML instead of forms. Calls are authenticated, allowed, struck by faults and written down as those are. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallLog } from '../../calls'
import type { Publishing } from '../../dns/publishing'
import type { FaultBook } from '../../faults/book'
import { type Again, CallFaults } from '../../faults/call-faults'
import type { Effects } from '../../faults/effects'
import type { Fault } from '../../faults/fault'
import { delivered } from '../../faults/twice'
import { isAllowed } from '../access/policy'
import type { AwsCloud } from '../cloud'
import { AwsError } from '../errors'
import { AWS_FAULTS } from '../faults/table'
import { authenticate } from '../protocol/signature'
import { ACCOUNT, type AwsState } from '../state'
import { type DnsOperation, ROUTE53_OPERATIONS } from './operations'
import { write, writeError } from './xml'

/** It is a service without regions, signed for this one. */
const REGION = 'us-east-1'
const PREFIX = '/2013-04-01'

export interface DnsEndpoint {
  current(): Promise<AwsCloud>
  readonly faults: FaultBook
  readonly effects: Effects
  readonly calls: CallLog
  readonly closing: AbortSignal
  readonly publishing: Publishing
}

interface Handled {
  readonly operation: string
  readonly resources: readonly { type: string; id: string }[]
  readonly authenticated: boolean
  readonly question: boolean
  readonly status: number
  readonly outcome: string
  readonly xml: string
  readonly answered: boolean
  readonly location?: string
  readonly struck: CallFaults<AwsState>['struck']
  readonly again?: Again | undefined
}

/** `why`: of a call that arrives for the second time. */
interface Arrival extends DnsEndpoint {
  readonly why: Fault | undefined
}

export function serveRoute53(scope: FastifyInstance, endpoint: DnsEndpoint): void {
  scope.all(`${PREFIX}/*`, async (request, reply) => {
    const handled = await delivered(endpoint, async (why) => {
      const [at, requestId] = [new Date().toISOString(), randomUUID()]
      const arrived = await handle(request, requestId, { ...endpoint, why })
      if (arrived.authenticated) endpoint.calls.record(recordOf(at, requestId, arrived))
      return { ...arrived, requestId }
    })
    if (!handled.answered) {
      reply.hijack()
      request.raw.socket.destroy()
      return reply
    }
    return send(reply, handled, handled.requestId)
  })
}

function send(reply: FastifyReply, { status, xml, location }: Handled, requestId: string): FastifyReply {
  if (location !== undefined) reply.header('location', location)
  return reply.code(status).header('content-type', 'text/xml').header('x-amzn-requestid', requestId).send(xml)
}

async function handle(request: FastifyRequest, requestId: string, endpoint: Arrival): Promise<Handled> {
  const cloud = await endpoint.current()
  const { pathname: path, search } = new URL(request.raw.url ?? '/', 'http://lab')
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const query = search.replace(/^\?/, '')
  const seen = { operation: '', resources: [] as { type: string; id: string }[], authenticated: false, question: true }
  let faults: CallFaults<AwsState> | undefined
  try {
    const target = { method: request.method, path, query }
    const keyOf = (id: string) => (id === cloud.accessKey.accessKeyId ? cloud.accessKey : cloud.identities.aws(id)?.accessKey)
    const { accessKeyId } = authenticate({ headers: request.headers, body, target, service: 'route53' }, keyOf)
    seen.authenticated = true
    const { operation, id } = routeOf(request.method, path)
    Object.assign(seen, { operation: operation.name, question: operation.question })
    const type = operation.name === 'GetChange' ? 'change' : 'hosted-zone'
    if (id !== '') seen.resources.push({ type, id })
    authorize(cloud, accessKeyId, operation, id)
    const call = { cloud: 'aws', operation: operation.name, account: ACCOUNT, region: REGION, resources: seen.resources }
    const { faults: book, effects, closing: signal, why } = endpoint
    faults = new CallFaults({ book, effects, kinds: AWS_FAULTS, call, targetOf: () => undefined, signal, again: why })
    await faults.before()
    const { hostedZones: zones } = faults.seen(cloud) ?? cloud.state
    const answer = operation.run({ zones, id, query: new URLSearchParams(query), body })
    const { changed, status, root, content, location } = answer
    if (changed) endpoint.publishing.announce(changed.zone, changed.change)
    const again = faults.arrivesAgain()
    const answered = !(await faults.dropsAnswer())
    // nobody may act on a state that a crash could take back
    await (operation.question && faults.struck.length === 0 ? cloud.saved() : cloud.save())
    const xml = write(root, content)
    const told = { status, outcome: 'ok', xml, answered, ...(location !== undefined && { location }) }
    return { ...seen, ...told, struck: faults.struck, again }
  } catch (error) {
    if (!(error instanceof AwsError)) cloud.log(`${seen.operation}: ${error instanceof Error ? error.stack : error}`)
    const known = error instanceof AwsError ? error : new AwsError('InternalFailure', 'An internal error has occurred.')
    const struck = faults?.struck ?? []
    if (struck.length > 0) await cloud.save()
    return { ...seen, status: known.status, outcome: known.code, xml: writeError(known, requestId), answered: true, struck }
  }
}

function routeOf(method: string, path: string): { operation: DnsOperation; id: string } {
  const rest = path.slice(PREFIX.length)
  for (const operation of ROUTE53_OPERATIONS) {
    const found = operation.method === method ? operation.path.exec(rest) : null
    if (found) return { operation, id: decodeURIComponent(found[1] ?? '') }
  }
  throw new AwsError('InvalidAction', `Unable to determine service/operation name to be authorized`)
}

/** @throws AwsError AccessDenied. */
function authorize(cloud: AwsCloud, accessKeyId: string, { name }: DnsOperation, id: string): void {
  const identity = cloud.identities.aws(accessKeyId)
  if (identity === undefined) return
  const kind = name === 'GetChange' ? 'change' : 'hostedzone'
  const resource = id === '' ? '*' : `arn:aws:route53:::${kind}/${id}`
  const wanted = { action: `route53:${name}`, resource, resourceTags: {} }
  if (isAllowed(identity.statements, wanted, { requestTags: {}, tagKeys: [], region: REGION }) === 'allowed') return
  throw new AwsError(
    'AccessDenied',
    `User: arn:aws:iam::${ACCOUNT}:user/${identity.name} is not authorized to perform: ${wanted.action} on resource: ${resource} because no identity-based policy allows the ${wanted.action} action`,
  )
}

function recordOf(at: string, requestId: string, handled: Handled): Parameters<CallLog['record']>[0] {
  const { operation, resources, question, outcome, status, answered, struck: faults } = handled
  const effect = outcome === 'ok' && !question
  const where = { cloud: 'aws', account: ACCOUNT, region: REGION }
  return { at, ...where, operation, resources, tags: {}, outcome, status, answered, effect, faults, requestId }
}
