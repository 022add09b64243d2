/** An endpoint that a person has moved while neither Temporal nor the ledger is there: by the very moves of a switchover, tried again for a while, and told instead of
 *  thrown. Whoever started it answers for it that nobody has begun since, right before each change. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FINISH_STEPS, type LeadingByHand, type LedByHand } from '../../contracts/break-glass'
import { Failure } from '../../contracts/failures'
import { type Act, runAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { TrafficActivities } from './contract'
import { trafficOf } from './traffic'

/** Applications may be served nowhere meanwhile, and what is left a person does. */
const PATIENCE_MS = 20_000
const PAUSE_MS = 500

export interface ByHand extends Pick<Act, 'isCurrent' | 'signal'> {
  readonly log: NonNullable<Act['log']>
  /** For how long whoever does not answer is asked again. */
  readonly patienceMs?: number
}

export function leadByHand(
  access: Pick<ActivityDeps, 'endpoints' | 'resolveSecret'>,
  leading: LeadingByHand,
  { patienceMs = PATIENCE_MS, ...by }: ByHand,
): Promise<LedByHand> {
  const { operation, deed, database, from, to } = leading
  const traffic = trafficOf({ ...access, databaseOf: async () => database })
  const move = { operation, step: FINISH_STEPS.endpoint.id, bundle: '', from, to }
  const moving = deed === 'finish' ? () => traffic.moveEndpoint(move) : () => traffic.moveBack(move)
  return runAct(actOf(by), async () => {
    try {
      const { moved, summary } = await patiently(moving, by.signal, patienceMs)
      return moved === 'by-hand' ? { moved: false, said: summary } : await goOn(traffic, move, summary)
    } catch (error) {
      const left = leftBy(error)
      if (!(error instanceof Failure) || error.code !== 'ENDPOINT_UNREACHABLE') return left
      // whoever was reached is served, and is kept waiting there for nothing; towards the other side nobody is let go on
      const { said } = await goOn(traffic, { ...move, leadingTo: deed === 'finish' ? to : from }, left.said)
      return { moved: false, said }
    }
  })
}

async function patiently<T>(work: () => Promise<T>, signal: AbortSignal, patienceMs: number): Promise<T> {
  for (const until = performance.now() + patienceMs; ; await sleep(PAUSE_MS, undefined, { signal })) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'ENDPOINT_UNREACHABLE' || performance.now() > until) throw error
    }
  }
}

/** Whom the switchover left waiting. */
async function goOn(
  traffic: TrafficActivities,
  ref: Parameters<TrafficActivities['resumeEndpoint']>[0],
  said: string,
): Promise<LedByHand> {
  try {
    const { resumed, summary } = await traffic.resumeEndpoint(ref)
    return { moved: true, said: resumed === 'nothing-to-pause' ? said : `${said}; ${summary}` }
  } catch (error) {
    return { moved: false, said: `${said}; clients may wait still: ${leftBy(error).said}` }
  }
}

/** A person is the one to do it. */
export function leftBy(error: unknown): LedByHand {
  if (error instanceof Failure) return { moved: false, said: error.message }
  return { moved: false, said: `what moves it broke (${error instanceof Error ? error.name : typeof error})` }
}

function actOf({ isCurrent, signal, log }: ByHand): Act {
  let kept: unknown
  return {
    ...{ attempt: 1, scheduledAtMs: Date.now(), signal, isCurrent, log, stale: () => false },
    get kept() {
      return kept
    },
    keep(state) {
      kept = state
    },
    get client(): never {
      throw new Error('there is no Temporal for what is done by hand')
    },
  }
}
