/** Independent questions to one that may be dead. A probe tells what it met and judges nothing: workflows/failover/quorum.ts does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type HostPort, samePlace } from '../../contracts/endpoint'
import type { Probe, ProbeOutcome } from '../../contracts/failover'
import { Failure } from '../../contracts/failures'
import { atItsAddress, type Connection } from '../../contracts/fleet'
import { greet, NOBODY_THERE } from '../../postgres/connect/greeting'
import type { Session } from '../../postgres/connect/session'
import { knockByStandby, type StandbyKnock } from '../../postgres/replicate/knock'
import { type Heard, heardSince } from '../../postgres/replicate/received'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking } from '../replication/sides'
import { openSession } from '../schema/open-session'
import type { FailoverActivities, ProbeActivities } from './contract'
import { type FailoverPair, failoverPair } from './pair'
import { vantageOf } from './vantage'

const PAUSE_MS = 250
const TRY_MS = 2_000

type Met = Pick<Probe, 'outcome' | 'said' | 'refused'>

export function createProbeActivities(deps: Pick<ActivityDeps, 'sourceAddress' | 'vantage'>): ProbeActivities {
  return {
    probeFrom: ({ from, address, ...asked }) =>
      rounds({ ...asked, from: `the worker of ${from}`, via: vantageOf(deps), enough: 'answered' }, async (timeoutMs) => {
        const { host, port } = address
        const { signal } = currentAct()
        const { greeting, said } = await greet({ host, port, timeoutMs, sourceAddress: deps.sourceAddress, signal })
        return { outcome: OUTCOMES[greeting], said, ...(said === NOBODY_THERE && { refused: true }) }
      }),
  }
}

const OUTCOMES = { greeted: 'answered', accepted: 'silent', absent: 'silent', unasked: 'unknown' } as const

interface Rounds {
  readonly from: string
  readonly via: string
  readonly patienceMs: number
  /** One round, whatever was met. */
  readonly once?: boolean | undefined
  /** Nothing better is to be met. */
  readonly enough: ProbeOutcome
}

/** What was met best counts: one that answers now and then lives. */
async function rounds({ from, via, patienceMs, enough, once }: Rounds, ask: (timeoutMs: number) => Promise<Met>): Promise<Probe> {
  const { signal } = currentAct()
  const until = performance.now() + patienceMs
  let best: Met = { outcome: 'unknown', said: 'nothing was asked' }
  for (let count = 1; ; count += 1) {
    const left = until - performance.now()
    const met = await ask(Math.ceil(Math.max(500, Math.min(TRY_MS, left))))
    if (WORTH[met.outcome] >= WORTH[best.outcome]) best = met
    if (once || best.outcome === enough || performance.now() + PAUSE_MS >= until) return { from, via, ...best, rounds: count }
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

const WORTH: Readonly<Record<ProbeOutcome, number>> = { unknown: 0, silent: 1, answered: 2, served: 3 }

export async function probeAsMigrator(
  deps: ActivityDeps,
  { address, patienceMs, ...ref }: Parameters<FailoverActivities['probeAsMigrator']>[0],
): Promise<Probe> {
  const entry = atItsAddress((await deps.ledger.getBundle(ref.bundle)).database)
  return rounds({ from: 'the worker of postgres', via: vantageOf(deps), patienceMs, enough: 'served' }, async (timeoutMs) => {
    try {
      const asked = { entry, role: 'migrator', operation: ref.operation, step: ref.step, address, canary: false } as const
      const session = await openSession(deps, { ...asked, ownAddress: true, connectTimeoutMs: timeoutMs })
      await session.query('SELECT 1', [], { signal: AbortSignal.timeout(timeoutMs) }).finally(() => session.close())
      return { outcome: 'served', said: 'a statement was answered' }
    } catch (error) {
      return metOf(error)
    }
  })
}

/** What the server itself said is an answer, whatever it was. */
function metOf(error: unknown): Met {
  if (!(error instanceof Failure)) {
    if (error instanceof DOMException && error.name === 'TimeoutError')
      return { outcome: 'silent', said: 'let in, and no statement was answered in time' }
    currentAct().signal.throwIfAborted()
    throw error
  }
  const { code, facts, message } = error
  if (code === 'SECRET_UNRESOLVED' || code === 'OPTION_INVALID') return { outcome: 'unknown', said: message }
  if (/ENOTFOUND|EAI_|ENETUNREACH|ENETDOWN/.test(message)) return { outcome: 'unknown', said: message }
  if (code === 'CONNECTION_LOST') return { outcome: 'silent', said: 'the connection broke' }
  if (code === 'DATABASE_UNREACHABLE' && facts.sqlState === undefined) return { outcome: 'silent', said: message }
  return { outcome: 'answered', said: message }
}

/** It comes to the source by a network that is none of ours. Its worker says nothing of a source that is paused, or has nothing to say: then its server is asked. */
export async function probeByStandby(
  deps: ActivityDeps,
  { standby, source, patienceMs, once, ...ref }: Parameters<FailoverActivities['probeByStandby']>[0],
): Promise<Probe> {
  const pair = await failoverPair(deps, { ...ref, sides: { source: source ?? standby, standby } })
  const { places, forward } = pair
  let since: string | null = null
  return rounds({ from: 'the standby', via: 'the standby', patienceMs, once, enough: 'answered' }, async (timeoutMs) => {
    try {
      return await looking(deps, places.standby, 'admin', async (session) => {
        const heard = await heardSince(session, forward.subscription, since)
        since ??= heard.now
        if (heard.heard) return HEARD
        const asked = performance.now()
        const met = byItsServer(heard, source === undefined ? null : await knock(session, pair, timeoutMs))
        if (!once || !heard.working || met.outcome === 'answered' || met.refused) return met
        // nobody looks at it again: it is given as long as a server that is silent
        await sleep(Math.max(0, asked + timeoutMs - performance.now()), undefined, { signal: currentAct().signal })
        return (await heardSince(session, forward.subscription, heard.now)).heard ? HEARD : met
      })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return { outcome: 'unknown', said: `the standby could not be asked: ${error.message}` }
    }
  })
}

const HEARD: Met = { outcome: 'answered', said: 'its worker has heard the source meanwhile' }

/** As what follows it comes there. */
async function knock(session: Session, { places, forward, request }: FailoverPair, waitMs: number): Promise<StandbyKnock> {
  const { at, own } = knockedAt(request.declared.publisher, places.source.address)
  const asked = { ...at, name: `${forward.subscription}_knock`, waitMs, signal: currentAct().signal }
  return toldBy(await knockByStandby(session, asked), own)
}

/** Pure. `own`: it is the source's own address, by its cloud, and not that of something that passes connections on. */
export function knockedAt(
  publisher: Pick<Connection, 'host' | 'port'>,
  { host, port }: HostPort,
): { readonly at: HostPort; readonly own: boolean } {
  const at = { host: publisher.host ?? host, port: publisher.port ?? port }
  return { at, own: samePlace(at, { host, port }) }
}

/** Pure. What passes connections on may refuse them while the source's own machine runs. */
export function toldBy(knocked: StandbyKnock, own: boolean): StandbyKnock {
  if (own || knocked.met !== 'refused') return knocked
  return { met: 'silent', said: `${knocked.said}, which whatever passes connections on to the source may say` }
}

/** Pure. A worker that is to be connected and is not has tried. One that is connected and hears nothing may have nothing to hear, and one that is paused does not try. */
export function byItsServer({ working, enabled }: Pick<Heard, 'working' | 'enabled'>, knocked: StandbyKnock | null): Met {
  const worker = working
    ? 'its worker is connected, and has heard nothing meanwhile'
    : enabled
      ? 'its worker is not connected to the source'
      : 'its worker is paused'
  const said = knocked === null ? worker : `${worker}; ${knocked.said}`
  if (knocked?.met === 'answered') return { outcome: 'answered', said }
  if (knocked?.met === 'refused') return { outcome: 'silent', said, refused: true }
  return { outcome: knocked?.met === 'silent' || (enabled && !working) ? 'silent' : 'unknown', said }
}
