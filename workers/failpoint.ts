/** Lets a worker kill itself at `<activity>#<n>:<boundary>`: `before` the activity's code runs, `after` its effect but before the server
 *  hears of it, or after its `result` has reached the server. `n` is the activity's place among those of its type in one run of a workflow,
 *  from 1, as this process has seen them; attempts of one activity count once. A failpoint is armed by a file of that name in the folder
 *  CAPSTAN_FAILPOINTS, and reaching it removes the file first: whoever takes over does not die at the same place. */
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export type Boundary = 'before' | 'after' | 'result'

/** One activity of one run of a workflow. */
export interface ActivityCall {
  readonly activity: string
  readonly run: string
  readonly activityId: string
}

export interface Failpoints {
  /** Kills this process at once when that boundary is armed. */
  reach(call: ActivityCall, boundary: 'before' | 'after'): void
  /** When `result` is armed: kills this process as soon as the server has the result. */
  leave(call: ActivityCall, hasResult: () => Promise<boolean>): void
}

const ASK_AGAIN_MS = 5

export function createFailpoints(folder: string): Failpoints {
  const seen = new Map<string, Map<string, number>>()

  function placeOf({ activity, run, activityId }: ActivityCall): number {
    const key = `${run} ${activity}`
    const places = seen.get(key) ?? new Map<string, number>()
    seen.set(key, places)
    const place = places.get(activityId) ?? places.size + 1
    places.set(activityId, place)
    return place
  }

  function disarm(call: ActivityCall, boundary: Boundary): boolean {
    try {
      unlinkSync(join(folder, `${call.activity}#${placeOf(call)}:${boundary}`))
      return true
    } catch {
      return false
    }
  }

  return {
    reach(call, boundary) {
      if (disarm(call, boundary)) die()
    },
    leave(call, hasResult) {
      if (disarm(call, 'result')) void dieOnce(hasResult)
    },
  }
}

async function dieOnce(reached: () => Promise<boolean>): Promise<void> {
  while (!(await reached())) await sleep(ASK_AGAIN_MS)
  die()
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
