/** For what outlives its operation and is nobody's to watch: no refusal ends it. */
import { isCancellation, sleep } from '@temporalio/workflow'
import { isDefect } from './failures'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A month of hours; then it asks once a day, in a history of its own. */
export const REFUSALS_MAX = 720

/** Until what was refused is asked for again. */
export const restMs = (carriedOn: boolean): number => (carriedOn ? DAY_MS : HOUR_MS)

/** Neither our own mistake nor somebody's word to end. */
export const isRefusal = (error: unknown): boolean => !isDefect(error) && !isCancellation(error)

/** A refusal days later (expired rights, a password that was changed, a protection that somebody set) must not leave a resource to nobody: what
 *  was refused is asked for again. `carryOn`: continues as new, after which `carriedOn` is true. */
export function patient({
  carriedOn,
  carryOn,
}: {
  carriedOn: boolean
  carryOn: () => Promise<never>
}): <T>(act: () => Promise<T>) => Promise<T> {
  let refusals = 0
  return async (act) => {
    for (;;) {
      try {
        return await act()
      } catch (error) {
        if (!isRefusal(error)) throw error
        refusals += 1
        await sleep(restMs(carriedOn))
      }
      if (refusals >= REFUSALS_MAX) await carryOn()
    }
  }
}
