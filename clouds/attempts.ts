/** A call to a cloud whose SDK does not repeat by itself, or must not. Repeated is what surely was not done: a question, and a change that
 *  was throttled. A change that nobody answered may have been done: its caller looks first and adopts what is there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, type FailureCode } from '../contracts/failures'
import { isWithoutCredentials } from './credentials'
import type { CallOptions } from './port'

const ATTEMPTS = 3
const FIRST_WAIT_MS = 250
/** Longer waits are the caller's: an activity ends, and its next attempt comes when the cloud said. */
const WAIT_MS_MAX = 3_000

const REPEATED: Readonly<Record<'question' | 'change', readonly FailureCode[]>> = {
  question: ['CLOUD_THROTTLED', 'CLOUD_UNREACHABLE'],
  change: ['CLOUD_THROTTLED'],
}

export async function attempted<T>(kind: 'question' | 'change', { signal }: CallOptions, act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof Failure) || attempt === ATTEMPTS || !REPEATED[kind].includes(error.code)) throw error
      // To look for them takes seconds, and they do not come back within one.
      if (isWithoutCredentials(error)) throw error
      const { retryAfterMs } = error.facts
      const waitMs = typeof retryAfterMs === 'number' ? retryAfterMs : FIRST_WAIT_MS * 2 ** (attempt - 1)
      if (waitMs > WAIT_MS_MAX) throw error
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

/** `Retry-After`: seconds, or a date. @returns null for none, or one that says nothing. */
export function retryAfterMs(header: string | null | undefined, now = Date.now()): number | null {
  if (!header) return null
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : null
}
