/** Sessions that stand ready: opened before anybody is shut out, for the acts behind the fence, since opening one takes five ways and the server may be far. They are
 *  this process's and nobody counts on them: whoever finds none, as after a crash, or finds one that was cut, opens his own. An attempt that takes one over raises the
 *  row of who may act upon it, as upon any other; one that stands ready does nothing and holds nothing. docs/decisions/0028-guests-of-a-fence.md. */
import type { OperationId } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import type { Place } from './sides'

/** In the keyhole as the master, in the database as the master, in the database as the migrator. Who puts one here has seen that its control schema is whole, and its
 *  own role's, but for `admin`. */
export type Door = 'keyhole' | 'admin' | 'migrator'

/** Longer than a crossing that succeeds may take, once it is proven that nobody is inside; whoever comes later opens his own. */
const STANDS_MS = 120_000
/** For the first answer, of a server that may stand still by now: a session that is opened anew has a limit of its own. */
const ANSWER_MS = 20_000

interface Standing {
  readonly operation: OperationId
  readonly session: Session
  readonly timer: NodeJS.Timeout
}

const standing = new Map<string, Standing>()

const keyOf = ({ ref, entry: { database }, address: { host, port } }: Place, door: Door): string =>
  JSON.stringify([ref.operation, host, port, database, door])

export function putReady(place: Place, door: Door, session: Session): void {
  const key = keyOf(place, door)
  void takeOut(key)?.close()
  const timer = setTimeout(() => void takeOut(key)?.close(), STANDS_MS)
  timer.unref()
  standing.set(key, { operation: place.ref.operation, session, timer })
}

/** It is the caller's from then on, who puts it back or closes it. Null: there is none. */
export function takeReady(place: Place, door: Door): Session | null {
  const session = takeOut(keyOf(place, door))
  return session?.open === true ? session : null
}

function takeOut(key: string): Session | undefined {
  const found = standing.get(key)
  clearTimeout(found?.timer)
  standing.delete(key)
  return found?.session
}

/** Nobody waits for them to be gone. */
export function dismissReady(operation: OperationId): void {
  for (const [key, one] of [...standing]) if (one.operation === operation) void takeOut(key)?.close()
}

/** What is asked first of sessions that stood ready: where it takes too long they are closed, and it fails with CONNECTION_LOST. */
export async function answeringSoon<T>(sessions: readonly (Session | null)[], work: () => Promise<T>): Promise<T> {
  const limit = setTimeout(() => {
    for (const session of sessions) void session?.close()
  }, ANSWER_MS)
  try {
    return await work()
  } finally {
    clearTimeout(limit)
  }
}
