/** Independent questions to one that may be dead. A probe tells what it met and judges nothing: workflows/failover/quorum.ts does. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Probe, ProbeOutcome } from '../../contracts/failover'
import { Failure } from '../../contracts/failures'
import { atItsAddress } from '../../contracts/fleet'
import { greet } from '../../postgres/connect/greeting'
import { heardSince } from '../../postgres/replicate/received'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking } from '../replication/sides'
import { openSession } from '../schema/open-session'
import type { FailoverActivities, ProbeActivities } from './contract'
import { failoverPair } from './pair'

const PAUSE_MS = 250
const TRY_MS = 2_000

type Met = Pick<Probe, 'outcome' | 'said'>

export function createProbeActivities(deps: Pick<ActivityDeps, 'sourceAddress'>): ProbeActivities {
  return {
    probeFrom: ({ from, address, patienceMs }) =>
      rounds({ from: `the worker of ${from}`, patienceMs, enough: 'answered' }, async (timeoutMs) => {
        const { host, port } = address
        const { signal } = currentAct()
        const { greeting, said } = await greet({ host, port, timeoutMs, sourceAddress: deps.sourceAddress, signal })
        return { outcome: OUTCOMES[greeting], said }
      }),
  }
}

const OUTCOMES = { greeted: 'answered', accepted: 'silent', absent: 'silent', unasked: 'unknown' } as const

interface Rounds {
  readonly from: string
  readonly patienceMs: number
  /** Nothing better is to be met. */
  readonly enough: ProbeOutcome
}

/** What was met best counts: one that answers now and then lives. */
async function rounds({ from, patienceMs, enough }: Rounds, ask: (timeoutMs: number) => Promise<Met>): Promise<Probe> {
  const { signal } = currentAct()
  const until = performance.now() + patienceMs
  let best: Met = { outcome: 'unknown', said: 'nothing was asked' }
  for (let count = 1; ; count += 1) {
    const left = until - performance.now()
    const met = await ask(Math.ceil(Math.max(500, Math.min(TRY_MS, left))))
    if (WORTH[met.outcome] >= WORTH[best.outcome]) best = met
    if (best.outcome === enough || performance.now() + PAUSE_MS >= until) return { from, ...best, rounds: count }
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

const WORTH: Readonly<Record<ProbeOutcome, number>> = { unknown: 0, silent: 1, answered: 2, served: 3 }

export async function probeAsMigrator(
  deps: ActivityDeps,
  { address, patienceMs, ...ref }: Parameters<FailoverActivities['probeAsMigrator']>[0],
): Promise<Probe> {
  const entry = atItsAddress((await deps.ledger.getBundle(ref.bundle)).database)
  return rounds({ from: 'the worker of postgres', patienceMs, enough: 'served' }, async (timeoutMs) => {
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

/** Its worker comes to the source by a network that is none of ours. One that is connected and hears nothing may have nothing to hear. */
export async function probeByStandby(
  deps: ActivityDeps,
  { standby, patienceMs, ...ref }: Parameters<FailoverActivities['probeByStandby']>[0],
): Promise<Probe> {
  const { places, forward } = await failoverPair(deps, { ...ref, sides: { source: standby, standby } })
  let since: string | null = null
  return rounds({ from: 'the standby’s own worker', patienceMs, enough: 'answered' }, async () => {
    try {
      const heard = await looking(deps, places.standby, 'admin', (session) => heardSince(session, forward.subscription, since))
      since ??= heard.now
      if (heard.heard) return { outcome: 'answered', said: 'it has heard the source meanwhile' }
      if (heard.working) return { outcome: 'unknown', said: 'it is connected, and has heard nothing meanwhile' }
      return { outcome: 'silent', said: 'it is not connected to the source' }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return { outcome: 'unknown', said: `the standby could not be asked: ${error.message}` }
    }
  })
}
