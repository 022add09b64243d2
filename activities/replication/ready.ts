/** Sessions that stand ready: opened before anybody is shut out, for the acts behind the fence, since opening one takes five ways and the server may be far. They are
 *  this process's and nobody counts on them: who finds none, as after a crash, or one that was cut or does not answer soon, opens his own within the same attempt. Whoever acts by one
 *  raises the row of who may act first, as by any other; one that stands ready does nothing and holds nothing. docs/decisions/0028-guests-of-a-fence.md. */
import { Failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import type { Place } from './sides'

/** In the keyhole as the master, in the database as the master, in the database as the migrator. Who puts one here has seen that its control schema is whole, and its
 *  own role's, but for `admin`. */
export type Door = 'keyhole' | 'admin' | 'migrator'

/** Longer than most take from the fence to the opening; whoever comes later opens his own. */
const STANDS_MS = 120_000
/** For the first answer: one that is cut without a word gives none, and nobody is served meanwhile. A session that is opened anew has a limit of its own. */
const SOON_MS = 1_500

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

/** What is asked first of sessions that stood ready. Null: one of them was cut, or does not answer soon, which says nothing of its server. All of them are closed then, and who asks has
 *  to ask by sessions that he opens. `ask`: may be done twice. */
export async function answeredSoon<T>(stood: readonly Session[], ask: () => Promise<T>): Promise<{ readonly told: T } | null> {
  const closeAll = () => {
    for (const session of stood) void session.close()
  }
  const limit = setTimeout(closeAll, SOON_MS)
  try {
    return { told: await ask() }
  } catch (error) {
    closeAll()
    if (error instanceof Failure && error.code === 'CONNECTION_LOST') return null
    throw error
  } finally {
    clearTimeout(limit)
  }
}

/** What is asked first by the session that stands ready, or else by one that is opened now. It is the caller's from then on. */
export async function answering<T>(
  place: Place,
  door: Door,
  { open, ask }: { readonly open: () => Promise<Session>; readonly ask: (session: Session, stood: boolean) => Promise<T> },
): Promise<{ readonly session: Session; readonly told: T; readonly stood: boolean }> {
  const stood = takeReady(place, door)
  const soon = stood === null ? null : await answeredSoon([stood], () => ask(stood, true))
  if (stood !== null && soon !== null) return { session: stood, told: soon.told, stood: true }
  const session = await open()
  try {
    return { session, told: await ask(session, false), stood: false }
  } catch (error) {
    await session.close()
    throw error
  }
}
