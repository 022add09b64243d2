/** The act in progress: what every activity may ask about its own attempt. The worker's interceptor opens it; activities read
 *  it. Its signal fires on cancellation, on shutdown and when the attempt can no longer be sure that it is the only one. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Client } from '@temporalio/client'
import { failure } from '../contracts/failures'

export interface Act {
  /** 1 for the first attempt. */
  readonly attempt: number
  /** When the server scheduled this attempt, by its clock, in milliseconds since 1970. Later attempts of the same work have later ones, after
   *  a reset of the workflow too, which counts `attempt` from 1 again. */
  readonly scheduledAtMs: number
  readonly signal: AbortSignal
  /** True once the gap between two heartbeats was so long that the server may have given the activity to another worker. */
  readonly stale: () => boolean
  readonly client: Client
}

const acts = new AsyncLocalStorage<Act>()

export function runAct<T>(act: Act, body: () => Promise<T>): Promise<T> {
  return acts.run(act, body)
}

export function currentAct(): Act {
  const act = acts.getStore()
  if (act === undefined) throw new Error('there is no act in progress: activities run inside the worker only')
  return act
}

/** To be called right before every call that changes the world: a worker that was frozen and woke up must not act. */
export function assertMayAct(): Act {
  const act = currentAct()
  act.signal.throwIfAborted()
  if (act.stale()) {
    throw failure(
      'HEARTBEAT_GAP',
      'This attempt was silent for too long and may have been given to another worker; it stops here.',
    )
  }
  return act
}
