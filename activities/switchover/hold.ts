/** Whether the clients of an endpoint can wait while writing moves, and for how long at most. */
import type { PauseFacts } from '../../contracts/endpoint'
import type { Finding } from '../../contracts/operation'

/** How long transactions that are under way may take to end: nothing new begins meanwhile. */
export const HOLD_WITHIN_MS = 5_000
/** From a passed barrier until the standby is open: 10 s, and what a source that is silent by then is waited for, once to mark it (5 s) and once to ask it (3 s). */
const REST_MS = 18_000

export interface Hold {
  readonly holds: boolean
  readonly warnings: readonly Finding[]
}

/** A pooler ends whoever has waited too long: where that could come before the standby is open, nobody is held. */
export function holdOf({ poolers, objections, waitMsMax, waitMsAfter }: PauseFacts, behindFenceMsMax: number): Hold {
  if (poolers.length === 0) return { holds: false, warnings: [] }
  const longestMs = HOLD_WITHIN_MS + behindFenceMsMax + REST_MS + waitMsAfter
  const short =
    waitMsMax !== null && waitMsMax <= longestMs
      ? [
          `The poolers end a client that has waited for ${waitMsMax / 1000} s (query_wait_timeout), and it may take ${longestMs / 1000} s: allow more there, or less by --drain-within.`,
        ]
      : []
  const against = [...objections, ...short]
  return {
    holds: against.length === 0,
    warnings: against.map((one) => ({
      rule: 'switchover:hold',
      message: `Clients cannot wait, and are disconnected when the source closes. ${one}`,
    })),
  }
}

/** What is left of the time that clients wait before their pooler ends them; without end where nobody is held. */
export type Patience = () => number

export function patienceOf({ waitMsMax, waitMsAfter }: Pick<PauseFacts, 'waitMsMax' | 'waitMsAfter'>): Patience {
  if (waitMsMax === null) return endless
  const until = performance.now() + waitMsMax - waitMsAfter - REST_MS
  return () => Math.max(1, Math.ceil(until - performance.now()))
}

export const endless: Patience = () => Number.POSITIVE_INFINITY
