/** Acts in another region that are gone on with once it answers again. What is counted is how long it is silent, apart from how long the act itself may
 *  take: a copy is polled for a day, and a region that is gone must not hold the instance's lock for as long. */
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow'
import { OUT_OF_REACH } from '../kit/proxies'

/** Of silences that were over: a region that answers what it is asked and yet never does what it is told to is given up as well. */
const SILENCES_MAX = 30

/** And whatever it is, begun anew for no longer than a day. */
const BEGUN_FOR_MS = 24 * 3_600_000

/** `act`: not retried by itself where the region does not answer. `answers`: rejects with that if it stays so. */
export async function whileReached<T>(
  act: () => Promise<T>,
  { answers, pause }: { answers: () => Promise<void>; pause: () => Promise<void> },
): Promise<T> {
  const since = Date.now()
  for (let silences = 1; ; silences += 1) {
    try {
      return await act()
    } catch (error) {
      if (!isSilence(error) || silences >= SILENCES_MAX || Date.now() - since > BEGUN_FOR_MS) throw error
    }
    await pause()
    await answers()
  }
}

function isSilence(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined
  return cause instanceof ApplicationFailure && OUT_OF_REACH.some((code) => code === cause.type)
}
