/** Lets timers and sockets have their turn during long work on text: a worker that cannot send its heartbeat counts as dead. One call of
 *  the grammar cannot be divided: long files are parsed in a thread (`migrate/plan-in-thread.ts`). */
import { setImmediate } from 'node:timers/promises'

const TURN_MS = 50

/** Call between two pieces of work: goes on at once until the turn of 50 ms is over, then lets the others run. */
export function createPace(): () => Promise<void> {
  let turnEnds = performance.now() + TURN_MS
  return async () => {
    if (performance.now() < turnEnds) return
    await setImmediate()
    turnEnds = performance.now() + TURN_MS
  }
}
