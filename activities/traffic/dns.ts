/** An endpoint that is a name in a DNS. The record is led elsewhere on the condition that it still is what it was found to be; who has resolved it before goes on to where
 *  it led, for as long as it lived then: that is told, and nobody can hurry it. It has no port. docs/decisions/0034. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DnsZonePort, NameRecord, Target } from '../../clouds/dns-port'
import { limitedTo } from '../../clouds/limit'
import { dnsName, ipv4 } from '../../contracts/dns-name'
import { type Endpoint, type HostPort, samePlace } from '../../contracts/endpoint'
import { Failure, failure } from '../../contracts/failures'
import { changing, currentAct } from '../act'
import type { EndpointAccess } from '../deps'
import { drifted, type EndpointPort, shownPlace } from './port'

type Declared = Extract<Endpoint, { readonly kind: 'dns' }>

/** The vendors speak of a minute. A move waits for it no longer: applications that ask a server which knows already are better served by what comes next. */
const PUBLISHED_MS_MAX = 90_000
/** Twice as long each time: Route 53 takes five requests a second of a whole account, and somebody else's operation may stand behind its fence. */
const LOOK_AFTER_MS = 250
const LOOK_AFTER_MS_MAX = 5_000

/** What an attempt leaves to the next one: how long what it is about to change has lived, and the change, once it has an id. */
interface Kept {
  readonly livedSeconds: number
  readonly dnsChange?: string
}

export function dnsEndpoint(declared: Declared, { dnsOf }: EndpointAccess, signal: AbortSignal): EndpointPort {
  const { name, port, ttlSeconds, zone: declaredZone } = declared
  const zone = (): DnsZonePort => {
    const found = dnsOf?.(declaredZone) ?? null
    if (found !== null) return found
    const message = `The endpoint ${name} is a name of ${declaredZone.provider}, and this worker serves no queue of that cloud.`
    throw failure('ENDPOINT_REFUSED', message, { name })
  }
  let livedSeconds: number | null = null
  /** For what is asked beside it by the same activity; a move looks for itself. */
  let looked: NameRecord | null = null
  const lookUp = () => asEndpoint(name, () => zone().lookUp(name, { signal }))
  const leadsTo = ({ value }: NameRecord): HostPort => ({ host: value, port })
  return {
    async whereTo() {
      looked = await lookUp()
      return leadsTo(looked)
    },
    async assertMovable(next) {
      const record = looked ?? (await lookUp())
      if (next !== null) targetOf(declared, next, { record, exchangesTypes: zone().exchangesTypes })
      await asEndpoint(name, () => zone().proveChangeable(name, record, changing()))
    },
    async warnings() {
      const { ttlSeconds: found, value } = looked ?? (await lookUp())
      if (found <= ttlSeconds) return []
      return [
        `The record of ${name} lives for ${found} s, and ${ttlSeconds} s are declared: whoever resolved it shortly before a move is led to ${value} for up to ${found} s after it. Lower it, and wait for ${found} s before writing moves.`,
      ]
    },
    async settle() {
      const { dnsChange, livedSeconds: lived } = (currentAct().kept ?? {}) as Partial<Kept>
      if (typeof lived === 'number') livedSeconds = lived
      if (typeof dnsChange === 'string') await published(zone(), dnsChange, signal)
    },
    async move(move) {
      const { from, to } = move
      const record = await lookUp()
      const found = leadsTo(record)
      if (samePlace(found, to)) return
      if (!samePlace(found, from)) throw drifted(found, move)
      const target = targetOf(declared, to, { record, exchangesTypes: zone().exchangesTypes })
      const change = { name, from: record, to: target, ttlSeconds }
      const kept: Kept = { livedSeconds: record.ttlSeconds }
      const { keep } = currentAct()
      // before the change: its answer may get lost, and with it that clients follow late
      keep?.(kept)
      const done = await asEndpoint(name, () => zone().change(change, changing()))
      if (!done.changed) {
        // perhaps by an attempt of before, or by this one's own call that was repeated: the look that follows says
        const now = await lookUp()
        const after = leadsTo(now)
        if (samePlace(after, to)) {
          livedSeconds = record.ttlSeconds
          return
        }
        if (!samePlace(after, from)) throw drifted(after, move)
        if (isSame(now, record)) {
          const message = `The record of ${name} was refused another value, and is what it was: ${done.why}`
          throw failure('ENDPOINT_REFUSED', message, { name })
        }
        throw failure(
          'ENDPOINT_UNREACHABLE',
          `The record of ${name} was changed by somebody else meanwhile; it is tried again.`,
          { name },
        )
      }
      if (done.pending !== null) {
        keep?.({ ...kept, dnsChange: done.pending } satisfies Kept)
        await published(zone(), done.pending, signal)
      }
      livedSeconds = record.ttlSeconds
    },
    remark: () =>
      livedSeconds === null ? null : `whoever resolved ${name} before is led where it led for up to ${livedSeconds} s`,
  }
}

/** Nobody has written it in between. */
function isSame(one: NameRecord, other: NameRecord): boolean {
  const { type, value, ttlSeconds, version } = one
  return type === other.type && value === other.value && ttlSeconds === other.ttlSeconds && version === other.version
}

/** Fails with ENDPOINT_REFUSED where a record cannot lead there. */
function targetOf(
  { name, port }: Declared,
  to: HostPort,
  { record, exchangesTypes }: { readonly record: NameRecord; readonly exchangesTypes: boolean },
): Target {
  const refused = (why: string) => failure('ENDPOINT_REFUSED', `The name ${name} ${why}`, { name, to: shownPlace(to) })
  if (to.port !== port) {
    throw refused(
      `cannot lead to ${shownPlace(to)}: a record has no port, and applications connect to ${port} (endpoint.port). Use an instance with that port, or another kind of endpoint.`,
    )
  }
  const address = ipv4(to.host)
  const value = address ?? dnsName(to.host)
  if (value === null) throw refused(`cannot lead to ${shownPlace(to)}: that is neither a name nor an address of four numbers.`)
  const target: Target = { type: address === null ? 'CNAME' : 'A', value }
  if (target.type === 'CNAME' && record.beside.length > 0) {
    const beside = record.beside.join(', ')
    throw refused(
      `has ${beside} beside its ${record.type}, and a CNAME, which is what leads to ${shownPlace(to)}, has nothing beside it.`,
    )
  }
  if (target.type === record.type || exchangesTypes) return target
  throw refused(
    `is a ${record.type}, and a ${target.type} is what leads to ${shownPlace(to)}: this zone's service does not exchange them in one act, and between two there would be no such name. Give the instance a name, or use another kind of endpoint.`,
  )
}

/** The record has been changed by now: only that somebody wants this attempt no more ends it early. */
async function published(zone: DnsZonePort, pending: string, signal: AbortSignal): Promise<void> {
  const { log } = currentAct()
  const until = Date.now() + PUBLISHED_MS_MAX
  for (let pause = LOOK_AFTER_MS; Date.now() < until; pause = Math.min(2 * pause, LOOK_AFTER_MS_MAX)) {
    try {
      if (await zone.isPublished(pending, { signal: limitedTo(until - Date.now(), signal) })) return
    } catch (error) {
      signal.throwIfAborted()
      if (Date.now() >= until) break
      if (!(error instanceof Failure) || error.kind !== 'transient') {
        log?.('nobody says whether all servers of a zone know a change', { change: pending, said: String(error).slice(0, 200) })
        return
      }
    }
    await sleep(Math.max(0, Math.min(pause, until - Date.now())), undefined, { signal }).catch(() => signal.throwIfAborted())
  }
  log?.('a change is not yet known to all servers of its zone', { change: pending })
}

/** What a cloud says, as endpoints say it. */
async function asEndpoint<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Failure) || error.code.startsWith('ENDPOINT_') || error.facts.cloud === undefined) throw error
    const code = error.kind === 'transient' ? 'ENDPOINT_UNREACHABLE' : error.kind === 'refused' ? 'ENDPOINT_REFUSED' : error.code
    throw failure(code, `The endpoint ${name}: ${error.message}`, { ...error.facts, name }, { cause: error })
  }
}
