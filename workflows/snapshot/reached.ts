/** Acts in another region that are gone on with once it answers again. What is counted is how long it is silent, apart from how long the act itself may
 *  take: a copy is polled for a day, and a region that is gone must not hold the instance's lock for as long. */
import { ActivityFailure, ApplicationFailure, sleep } from '@temporalio/workflow'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { OUT_OF_REACH } from '../kit/proxies'

interface Patience {
  /** Rejects where the region stays silent. */
  readonly answers: () => Promise<void>
  readonly pause: () => Promise<void>
}

/** After a region did not answer: thirty times that are a quarter of an hour. */
const PAUSE = '30 seconds'

/** `act`: as `regionAct` makes it. */
export function patienceWith(
  act: Pick<SnapshotActivities, 'askRegion'>,
  place: Parameters<SnapshotActivities['askRegion']>[0],
): Patience {
  return { answers: () => act.askRegion(place), pause: () => sleep(PAUSE) }
}

/** Of silences that were over: a region that answers what it is asked and yet never does what it is told to is given up as well. */
const SILENCES_MAX = 30

/** And whatever it is, begun anew for no longer than a day. */
const BEGUN_FOR_MS = 24 * 3_600_000

/** `act`: not retried by itself where the region does not answer. */
export async function whileReached<T>(act: () => Promise<T>, { answers, pause }: Patience): Promise<T> {
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
