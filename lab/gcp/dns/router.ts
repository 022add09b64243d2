/** Cloud DNS beside Cloud SQL. Calls are authenticated, allowed, struck by faults and written down as those are. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallLog } from '../../calls'
import type { Publishing } from '../../dns/publishing'
import type { FaultBook } from '../../faults/book'
import { type Again, CallFaults } from '../../faults/call-faults'
import type { Effects } from '../../faults/effects'
import type { Fault } from '../../faults/fault'
import { delivered } from '../../faults/twice'
import { isAllowed } from '../access/bindings'
import type { GcpCloud } from '../cloud'
import { GcpError } from '../errors'
import { GCP_FAULTS } from '../faults/table'
import { authenticate } from '../protocol/bearer'
import { type GcpState, PROJECT } from '../state'
import { CLOUD_DNS, type DnsOperation } from './operations'

const PREFIX = '/dns/v1/projects/'

export interface DnsEndpoint {
  current(): Promise<GcpCloud>
  readonly faults: FaultBook
  readonly effects: Effects
  readonly calls: CallLog
  readonly closing: AbortSignal
  readonly publishing: Publishing
}

interface Handled {
  readonly operation: string
  readonly question: boolean
  readonly authenticated: boolean
  readonly resources: readonly { type: string; id: string }[]
  readonly status: number
  readonly outcome: string
  readonly body: object
  readonly answered: boolean
  readonly struck: CallFaults<GcpState>['struck']
  readonly again?: Again | undefined
}

/** `why`: of a call that arrives for the second time. */
interface Arrival extends DnsEndpoint {
  readonly why: Fault | undefined
}

export function serveCloudDns(api: FastifyInstance, endpoint: DnsEndpoint): void {
  api.all(`${PREFIX}*`, async (request, reply) => {
    const handled = await delivered(endpoint, async (why) => {
      const at = new Date().toISOString()
      const arrived = await handle(request, { ...endpoint, why })
      if (arrived.authenticated) endpoint.calls.record(recordOf(at, arrived))
      return arrived
    })
    if (!handled.answered) return dropped(request, reply)
    return reply.code(handled.status).header('content-type', 'application/json; charset=UTF-8').send(handled.body)
  })
}

function dropped(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.destroy()
  return reply
}

async function handle(request: FastifyRequest, endpoint: Arrival): Promise<Handled> {
  const cloud = await endpoint.current()
  const seen = { operation: '', question: true, authenticated: false, resources: [] as { type: string; id: string }[] }
  let faults: CallFaults<GcpState> | undefined
  try {
    const { pathname, searchParams: query } = new URL(request.raw.url ?? '/', 'http://lab')
    const { authorization } = request.headers
    const identity = cloud.identities.gcp(authorization)
    authenticate(authorization, identity?.accessToken ?? cloud.accessToken)
    seen.authenticated = true
    const { operation, project, zone, id } = routeOf(request.method, pathname)
    Object.assign(seen, { operation: operation.name, question: operation.question })
    if (zone !== '') seen.resources.push({ type: 'managed-zone', id: zone })
    if (project !== PROJECT) throw forbidden()
    const resource = {
      name: `projects/${project}/managedZones/${zone}`,
      type: 'dns.googleapis.com/ManagedZone',
      service: 'dns.googleapis.com',
    }
    if (identity && !operation.permissions.every((one) => isAllowed(identity.bindings, one, resource))) throw forbidden()
    const call = { cloud: 'gcp', operation: operation.name, account: PROJECT, region: 'global', resources: seen.resources }
    const { faults: book, effects, closing: signal, why } = endpoint
    faults = new CallFaults({ book, effects, kinds: GCP_FAULTS, call, targetOf: () => undefined, signal, again: why })
    await faults.before()
    const { managedZones: zones } = faults.seen(cloud) ?? cloud.state
    const { body, changed } = operation.run({ zones, zone, id, query, body: bodyOf(request) })
    if (changed) endpoint.publishing.announce(changed.zone, changed.change)
    const again = faults.arrivesAgain()
    const answered = !(await faults.dropsAnswer())
    // nobody may act on a state that a crash could take back
    await (operation.question && faults.struck.length === 0 ? cloud.saved() : cloud.save())
    return { ...seen, status: 200, outcome: 'ok', body, answered, struck: faults.struck, again }
  } catch (error) {
    const known = error instanceof GcpError ? error : new GcpError('internalError', 'An internal error has occurred.')
    if (known !== error) cloud.log(`${seen.operation}: ${error instanceof Error ? error.stack : error}`)
    const struck = faults?.struck ?? []
    if (struck.length > 0) await cloud.save()
    return { ...seen, status: known.http, outcome: known.reason, body: known.body(), answered: true, struck }
  }
}

function routeOf(method: string, pathname: string): { operation: DnsOperation; project: string; zone: string; id: string } {
  const rest = pathname.slice(PREFIX.length)
  const at = rest.indexOf('/')
  const [project, path] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at)]
  for (const operation of CLOUD_DNS) {
    const found = operation.method === method ? operation.path.exec(path) : null
    if (found) return { operation, project, zone: decodeURIComponent(found[1] ?? ''), id: decodeURIComponent(found[2] ?? '') }
  }
  throw new GcpError('notFound', 'Method not found.')
}

/** It does not say what is missing. */
function forbidden(): GcpError {
  return new GcpError('forbidden', 'Forbidden')
}

function bodyOf({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  if (typeof body !== 'string' || body.trim() === '') return {}
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  } catch {
    // told as anything else that is none
  }
  throw new GcpError('badRequest', 'Invalid JSON payload received.')
}

function recordOf(at: string, handled: Handled): Parameters<CallLog['record']>[0] {
  const { operation, question, resources, outcome, status, answered, struck: faults } = handled
  const effect = outcome === 'ok' && !question
  const where = { cloud: 'gcp', account: PROJECT, region: 'global' }
  return { at, ...where, operation, resources, tags: {}, outcome, status, answered, effect, faults, requestId: randomUUID() }
}
