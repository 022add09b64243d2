/** Beats while an activity runs, so that a dead worker's work is given on soon and a cancellation arrives. A gap between two beats
 *  that the server may have taken for death makes the attempt stale: from then on it must not act. */
import type { Context } from '@temporalio/activity'
import { failure } from '../../contracts/failures'

const BEAT_MS = 500
/** Of the heartbeat time-out: stale before the server gives the activity on, clocks and the network's delay considered. */
const STALE_SHARE = 0.8

export interface Heartbeat {
  readonly stale: () => boolean
  /** Fires when the attempt becomes stale. */
  readonly signal: AbortSignal
  /** What an attempt before this one kept last; undefined: nothing. */
  readonly kept: unknown
  /** Goes with every beat from now on. */
  keep(state: unknown): void
  stop(): void
}

interface Moment {
  readonly monotonic: number
  readonly wall: number
}

const now = (): Moment => ({ monotonic: performance.now(), wall: Date.now() })

/** The longer of the two: the monotonic clock stands still while a machine is paused, and the wall's may be put back. */
function since({ monotonic, wall }: Moment): number {
  return Math.max(performance.now() - monotonic, Date.now() - wall)
}

export function startHeartbeat(context: Context): Heartbeat {
  const staleAfterMs = (context.info.heartbeatTimeoutMs ?? 0) * STALE_SHARE
  const controller = new AbortController()
  // A beat without it would take it from the server.
  let kept: unknown = context.info.heartbeatDetails
  let last = now()
  // Asked at the moment of acting too, since a frozen process wakes up inside any line, not only inside the timer.
  const check = (): boolean => {
    if (staleAfterMs > 0 && since(last) > staleAfterMs && !controller.signal.aborted) {
      controller.abort(
        failure('HEARTBEAT_GAP', 'This attempt was silent for too long and may have been given to another worker.'),
      )
    }
    return controller.signal.aborted
  }
  const beat = (): void => {
    if (check()) return
    last = now()
    if (kept === undefined) context.heartbeat()
    else context.heartbeat(kept)
  }
  const keep = (state: unknown): void => {
    kept = state
    if (timer !== undefined) beat()
  }
  const timer = staleAfterMs > 0 ? setInterval(beat, BEAT_MS) : undefined
  return {
    stale: check,
    signal: controller.signal,
    kept: context.info.heartbeatDetails,
    keep,
    stop: () => clearInterval(timer),
  }
}
