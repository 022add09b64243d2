/** What two sides say of themselves while a cloud changes which of them writes: before it, that the one shows what was written to the other; afterwards, within a time
 *  that whoever waits can bear. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import type { Session } from '../../postgres/connect/session'
import { readFence } from '../../postgres/migrate/fence'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking, type Place } from '../replication/sides'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { withSession } from '../schema/open-session'

const LOOK_EVERY_MS = 50
const CONNECT_MS = 3_000
/** For all that a side is asked. One that lets us in and then stands still must not keep the other from being believed. */
const WORD_MS = 4_000

interface Marking {
  readonly writer: Place
  readonly follower: Place
  readonly epoch: number
  readonly followMsMax: number
}

/** Raises the row of who may act on the writer, and waits until its follower shows it. Resolves to how long that took, in milliseconds. Safe to repeat. Fails with
 *  BARRIER_NOT_PASSED. */
export async function markAndFollow(deps: ActivityDeps, { writer, follower, epoch, followMsMax }: Marking): Promise<number> {
  const { operation } = writer.ref
  const { token } = await looking(deps, writer, 'migrator', (session) => raiseOwnFence(session, operation, epoch))
  const { signal } = currentAct()
  const began = performance.now()
  // one that lets us in and then stands still answers nobody, and hears no abort
  const late = AbortSignal.timeout(followMsMax + WORD_MS)
  const cutBy = AbortSignal.any([signal, late])
  const follow = async (session: Session): Promise<void> => {
    while ((await readFence(session)).epoch < token.epoch) {
      if (performance.now() - began > followMsMax) throw doesNotFollow(writer, follower, followMsMax)
      await sleep(LOOK_EVERY_MS, undefined, { signal })
    }
  }
  try {
    await withSession(deps, { ...askedAt(follower), cutBy }, follow)
  } catch (error) {
    signal.throwIfAborted()
    throw late.aborted ? doesNotFollow(writer, follower, followMsMax) : error
  }
  return Math.round(performance.now() - began)
}

/** As its migrator. */
function askedAt({ entry, address, ref: { operation, step } }: Place) {
  return { entry, role: 'migrator', operation, step, address, canary: false } as const
}

function doesNotFollow({ address: { instance: from } }: Place, { address: { instance } }: Place, ms: number): Failure {
  const message = `${instance} does not show within ${ms / 1_000} s what was written to ${from}: it is late, or follows no more. Nothing was exchanged; wait until it follows, or allow more by --drain-within.`
  return failure('BARRIER_NOT_PASSED', message, { instance })
}

/** Of the place's migrator. A text: why it said nothing. */
export async function wordOf<T extends object>(
  deps: ActivityDeps,
  place: Place,
  ask: (session: Session) => Promise<T>,
  withinMs = WORD_MS,
): Promise<T | string> {
  const late = AbortSignal.timeout(withinMs)
  try {
    const request = { ...askedAt(place), ownAddress: true, connectTimeoutMs: CONNECT_MS, cutBy: late }
    return await Promise.race([withSession(deps, request, ask), silent(late, withinMs)])
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'transient' || error.code === 'DATABASE_REFUSED')) return error.message
    throw error
  }
}

/** Resolves once it is too late; whatever the side says after that is not heard. */
function silent(late: AbortSignal, withinMs: number): Promise<string> {
  const word = `it did not say within ${withinMs / 1_000} s`
  return new Promise((resolve) => late.addEventListener('abort', () => resolve(word), { once: true }))
}
