/** The act in progress: what every activity may ask about its own attempt. The worker's interceptor opens it; activities read
 *  it. Its signal fires on cancellation, on shutdown and when the attempt can no longer be sure that it is the only one. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Client } from '@temporalio/client'
import type { ChangeOptions } from '../clouds/port'
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
  /** Asks the server whether the work is still this attempt's. Rejects when the server does not answer in time. */
  readonly isCurrent: () => Promise<boolean>
  /** What an attempt of the same work before this one kept last; undefined: nothing. Perhaps by another version of this program. */
  readonly kept?: unknown
  /** For an attempt after this one, should there be any: goes to the server with every heartbeat, so that it is to be small. Plain JSON, no row, no secret. */
  readonly keep?: (state: unknown) => void
  /** Into this worker's own log, and nowhere else: neither histories nor the ledger have it. */
  readonly log?: (message: string, facts: Readonly<Record<string, string | number | null>>) => void
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

/** For calls to a cloud that change something: the signal, and the question that is asked right before each change. Clouds compare no fence,
 *  so an attempt that lost touch with the server (its clock never stopped) must find that out by itself. */
export function changing(): ChangeOptions {
  const { signal } = assertMayAct()
  return { signal, mayChange: assertCurrent }
}

async function assertCurrent(): Promise<void> {
  const { isCurrent } = assertMayAct()
  const current = await isCurrent().catch((error) => {
    const message = 'Temporal did not say whether this attempt is still the one that may act; it changes nothing.'
    throw failure('TEMPORAL_UNREACHABLE', message, {}, { cause: error })
  })
  if (!current)
    throw failure('HEARTBEAT_GAP', 'This attempt was given to another worker, or is not wanted any more; it stops here.')
  assertMayAct()
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
