/** What people are answered who ask for the instance that was replaced. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow'
import type { IsoInstant } from '../../contracts/operation'

/** In words, too, where nobody can be asked. Throws NOT_READY_YET for that. `instance`: its name. */
export async function answered<T>(instance: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof ActivityFailure && error.cause instanceof TimeoutFailure)) throw error
    const message = `No worker answered the activity ${error.activityType}, so nobody can say what speaks against removing ${instance}; check that workers of its cloud and of databases run, then look again.`
    throw ApplicationFailure.nonRetryable(message, 'NOT_READY_YET')
  }
}

/** What of its time speaks against its removal; `until` null: it is kept for good. `now`: in milliseconds. */
export function keptStill(until: IsoInstant | null, now: number): string[] {
  if (until === null) return ['It is kept for good, as somebody said.']
  return Date.parse(until) > now ? [`Its time is not over: it is kept until ${until}.`] : []
}
