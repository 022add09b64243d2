/** Polls once per attempt: the wait itself is Temporal's retry, eleven history events however long it lasts. */
import { type Failure, failure } from '../contracts/failures'
import { currentAct } from './act'

/** Soon at first, since a small change is over in a second; then every ten seconds, since a restore takes minutes. */
const FASTEST_MS = 250
const SLOWEST_MS = 10_000

export function notReadyYet(what: string, state: string): Failure {
  const retryAfterMs = Math.min(SLOWEST_MS, Math.round(FASTEST_MS * 1.25 ** (currentAct().attempt - 1)))
  return failure('NOT_READY_YET', `${what} is ${state}.`, { retryAfterMs })
}
