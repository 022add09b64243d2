/** Polls once per attempt: the wait itself is Temporal's retry, eleven history events however long it lasts. */
import { Failure, failure } from '../contracts/failures'
import { currentAct } from './act'

/** Soon at first, since a small change is over in a second; then every ten seconds, since a restore takes minutes. */
const FASTEST_MS = 250
const SLOWEST_MS = 10_000

/** About five minutes: a cloud may list what it makes only after a while. What is not there by then was removed by somebody. */
const UNLISTED_ATTEMPTS_MAX = 60

/** For something that was started and is not listed. */
export function notListed(what: string): Failure {
  if (currentAct().attempt < UNLISTED_ATTEMPTS_MAX) return notReadyYet(what, 'not listed yet')
  return failure('RESOURCE_FAILED', `${what} is not there: it was removed by somebody else, or its making failed.`, {
    resource: what,
  })
}

export function notReadyYet(what: string, state: string): Failure {
  return lookAgain(`${what} is ${state}.`)
}

function lookAgain(message: string): Failure {
  const retryAfterMs = Math.min(SLOWEST_MS, Math.round(FASTEST_MS * 1.25 ** (currentAct().attempt - 1)))
  return failure('NOT_READY_YET', message, { retryAfterMs })
}

/** Of an adapter that has to be asked again: at the pace at which everything is polled. Rejects with anything else as it is. */
export async function atOurPace<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    throw error instanceof Failure && error.code === 'NOT_READY_YET' ? lookAgain(error.message) : error
  }
}
