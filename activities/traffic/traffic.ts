/** Where applications are led, and moving them. Whatever the kind, it is asked before and after a move: only what leads to `from` is moved, and
 *  only what leads to `to` afterwards was. */
import { type Endpoint, samePlace } from '../../contracts/endpoint'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { StepRef } from '../../contracts/step-ref'
import type { Switching } from '../../contracts/switchover'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { commandEndpoint } from './command'
import type { TrafficActivities } from './contract'
import { dnsEndpoint } from './dns'
import { labRouterEndpoint } from './lab-router'
import { poolersEndpoint } from './pgbouncer/poolers'
import { drifted, type EndpointMove, type EndpointPort, shownPlace } from './port'

type Access = Pick<ActivityDeps, 'endpoints' | 'resolveSecret'>
/** Of the fleet file: its name, and what applications connect to. */
type Led = Pick<DatabaseEntry, 'name' | 'endpoint'>

interface Deps extends Access {
  readonly databaseOf: (ref: StepRef) => Promise<Led>
  /** That nobody has begun since: asked by an attempt that comes late. */
  readonly assertOurs?: (stands: Switching) => Promise<void>
}

/** `assertOurs`: of a worker that reaches databases. */
export function createTrafficActivities(
  { ledger, ...access }: Access & Pick<ActivityDeps, 'ledger'>,
  assertOurs?: Deps['assertOurs'],
): TrafficActivities {
  const databaseOf: Deps['databaseOf'] = async ({ bundle }) => (await ledger.getBundle(bundle)).database
  return trafficOf({ ...access, databaseOf, ...(assertOurs !== undefined && { assertOurs }) })
}

/** For who has no ledger. */
export function trafficOf(deps: Deps): TrafficActivities {
  const move = async (
    ref: StepRef,
    { from, to, direction, stands }: Omit<EndpointMove, 'operation'> & { stands?: Switching },
  ) => {
    const ours = async () => (stands !== undefined && comesLate() ? deps.assertOurs?.(stands) : undefined)
    const { kind, port } = await endpointOf(deps, ref)
    if (port === null) {
      const summary = `nothing moves the endpoint by itself: point applications to ${shownPlace(to)}, not to ${shownPlace(from)}`
      return { moved: 'by-hand', summary } as const
    }
    return moveIt(port, kind, { from, to, direction, operation: ref.operation }, ours)
  }
  return {
    async whereTo({ next, onlyLook, ...ref }) {
      const { kind, port } = await endpointOf(deps, ref)
      if (port === null) return { kind, at: null, summary: 'the fleet file names no endpoint: a person moves applications' }
      const at = await port.whereTo(ref.operation)
      if (onlyLook !== true) await port.assertMovable?.(next ?? null)
      const warnings = (await port.warnings?.()) ?? []
      return { kind, at, summary: `the endpoint leads to ${shownPlace(at)}`, ...(warnings.length > 0 && { warnings }) }
    },
    moveEndpoint: ({ from, to, stands, ...ref }) =>
      move(ref, { from, to, direction: 'forward', ...(stands !== undefined && { stands }) }),
    moveBack: ({ from, to, ...ref }) => move(ref, { from: to, to: from, direction: 'back' }),
    async pauseFacts(ref) {
      const { kind, port } = await endpointOf(deps, ref)
      if (port?.pausing === undefined) return { kind, poolers: [], objections: [], waitMsMax: null, waitMsAfter: 0 }
      await port.assertMovable?.(null)
      return { kind, ...(await port.pausing.facts()) }
    },
    async pauseEndpoint({ withinMs, ...ref }) {
      const { kind, port } = await endpointOf(deps, ref)
      if (port?.pausing === undefined) return { paused: 'nothing-to-pause', summary: notPaused(kind) }
      await port.pausing.pause(withinMs)
      return { paused: 'paused', summary: 'clients of the endpoint wait' }
    },
    async resumeEndpoint({ leadingTo, ...ref }) {
      const { kind, port } = await endpointOf(deps, ref)
      if (port?.pausing === undefined) return { resumed: 'nothing-to-pause', summary: notPaused(kind) }
      // an undo, too: whoever calls it late lets clients go on, and that is never wrong
      if (await port.pausing.resume(leadingTo)) {
        const whose = leadingTo === undefined ? 'the endpoint' : `those poolers that lead to ${shownPlace(leadingTo)}`
        return { resumed: 'resumed', summary: `clients of ${whose} go on` }
      }
      return leadingTo !== undefined
        ? { resumed: 'was-not-paused', summary: `who waits at a pooler that does not lead to ${shownPlace(leadingTo)} waits on` }
        : { resumed: 'was-not-paused', summary: 'no client of the endpoint was kept waiting' }
    },
  }
}

function notPaused(kind: Endpoint['kind']): string {
  return `an endpoint of the kind ${kind} cannot be paused: who is connected sees an error when it moves`
}

/** A worker died, or none was there: that is when a person takes things into his own hands. */
const LATE_MS = 3_000
const comesLate = (): boolean => currentAct().attempt > 1 || Date.now() - currentAct().scheduledAtMs > LATE_MS

async function moveIt(port: EndpointPort, kind: Endpoint['kind'], move: EndpointMove, ours: () => Promise<void>) {
  const { from, to, operation } = move
  if (port.settle !== undefined) {
    await changing().mayChange()
    await port.settle()
  }
  const places = (await port.places?.(operation)) ?? { at: [await port.whereTo(operation)], silent: null }
  if (places.silent === null && places.at.every((at) => samePlace(at, to))) {
    return { moved: 'already-there', summary: `the endpoint leads to ${shownPlace(to)}${remarked(port)}` } as const
  }
  const elsewhere = places.at.find((at) => !samePlace(at, to) && !samePlace(at, from))
  if (elsewhere !== undefined) throw drifted(elsewhere, move)
  await ours()
  // an endpoint compares no fence: whether this attempt may still act is asked right before
  await changing().mayChange()
  await port.move(move)
  const after = await port.whereTo(operation)
  if (samePlace(after, to)) {
    return { moved: 'moved', summary: `the endpoint leads to ${shownPlace(to)} now${remarked(port)}` } as const
  }
  if (!samePlace(after, from)) throw drifted(after, move)
  const message = `The endpoint (${kind}) was moved to ${shownPlace(to)} and still leads to ${shownPlace(after)}.`
  throw failure('ENDPOINT_UNREACHABLE', message, { at: shownPlace(after) })
}

function remarked(port: EndpointPort): string {
  const remark = port.remark?.() ?? null
  return remark === null ? '' : `; ${remark}`
}

/** `port` null: a person is the one to move it. */
async function endpointOf(
  { databaseOf, endpoints, resolveSecret }: Deps,
  ref: StepRef,
): Promise<{ kind: Endpoint['kind']; port: EndpointPort | null }> {
  const database = await databaseOf(ref)
  const { signal } = currentAct()
  const endpoint: Endpoint = database.endpoint ?? { kind: 'none' }
  switch (endpoint.kind) {
    case 'none':
      return { kind: 'none', port: null }
    case 'command':
      return { kind: 'command', port: commandEndpoint(endpoint, { access: endpoints, database: database.name, signal }) }
    case 'lab-router':
      return { kind: 'lab-router', port: labRouterEndpoint(endpoint.name, endpoints, signal) }
    case 'dns':
      return { kind: 'dns', port: dnsEndpoint(endpoint, endpoints, signal) }
    case 'pgbouncer':
      return {
        kind: 'pgbouncer',
        port: poolersEndpoint(endpoint, { endpoints, resolveSecret, database: database.name, signal }),
      }
  }
}
