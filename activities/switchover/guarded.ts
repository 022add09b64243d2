/** The guard of the source (postgres/replicate/guard.ts), put upon its tables behind the fence, when nobody else is inside and nobody's lock is in the way. */
import type { Session } from '../../postgres/connect/session'
import { openDatabases } from '../../postgres/fence/lower'
import type { FenceToken } from '../../postgres/migrate/fence'
import { hasEventTriggers, raiseGuard, setGuardAside } from '../../postgres/replicate/guard'
import { type Reopened, reopenSource } from '../../postgres/replicate/reopen'
import { schemaStamp } from '../../postgres/replicate/unchanged'
import { stopWayBack } from '../../postgres/replicate/way-back'
import { currentAct } from '../act'
import { type InKeyhole, namesKept } from '../replication/keyhole'
import { putReady, takeReady } from '../replication/ready'
import type { Place, SideName } from '../replication/sides'
import { inTime } from './in-time'
import type { Pair } from './pair'

/** A thousand tables take a few tenths of a second. */
const GUARD_MS = 30_000
const FOLLOW_NO_MORE_MS = 2_000

interface Sides {
  readonly pair: Pick<Pair, 'oneWay'>
  readonly on: Readonly<Record<SideName, Session>>
  readonly tokens: Readonly<Record<SideName, FenceToken>>
}

interface GuardedSource {
  /** Of its schema behind the fence, and before the guard. */
  readonly stamp: string
  /** Tables that have none; null: none has. */
  readonly lacking: readonly string[] | null
}

/** Nobody is served meanwhile: what is not through by then is done before the old writer is opened. */
const WITHIN_MS = 1_000

/** Of what is written to the source from here on only what comes over the way back is wanted. It means nothing until the database follows, so that nothing has to be
 *  taken back first where writing does not move. */
async function guardSource({ pair, on, tokens }: Sides): Promise<GuardedSource> {
  const { signal } = currentAct()
  return inTime({ stage: 'the guard', limitMs: GUARD_MS, sessions: [on.source] }, async () => {
    const stamp = await schemaStamp(on.source, signal)
    // it never follows, and stays closed
    if (pair.oneWay) return { stamp, lacking: [] }
    return { stamp, lacking: await raiseGuard(on.source, { token: tokens.source, signal, withinMs: WITHIN_MS }) }
  })
}

/** Before the barrier where a change of the schema runs code that may write rows: they belong to what the standby has to have. Null: there is no such code, and it is done
 *  while the standby is waited for. */
export async function guardBefore(sides: Sides): Promise<GuardedSource | null> {
  return (await hasEventTriggers(sides.on.source)) ? guardSource(sides) : null
}

/** `asking`: of the source, once its guard stands. */
export async function guardMeanwhile<T, A>(
  sides: Sides,
  before: GuardedSource | null,
  { waiting, asking }: { readonly waiting: (either: AbortSignal) => Promise<T>; readonly asking: () => Promise<A> },
): Promise<{ passed: T; guarded: GuardedSource; asked: A }> {
  const { signal } = currentAct()
  const over = new AbortController()
  const raising = (async () => {
    const guarded = before ?? (await guardSource(sides))
    return { guarded, asked: await asking() }
  })()
  raising.catch(() => over.abort())
  const [passed, raised] = await Promise.allSettled([waiting(AbortSignal.any([signal, over.signal])), raising])
  if (raised.status === 'rejected') throw raised.reason
  if (passed.status === 'rejected') throw passed.reason
  return { passed: passed.value, ...raised.value }
}

/** Where writing moves to the guard is set aside beside `work`, by a session of its own that stands ready, or else before it. */
export async function asideMeanwhile<T>(
  { place, on, tokens }: Pick<Sides, 'on' | 'tokens'> & { readonly place: Place },
  work: () => Promise<T>,
): Promise<T> {
  const setting = (session: Session): Promise<void> =>
    inTime({ stage: 'the guard', limitMs: GUARD_MS, sessions: [session] }, () =>
      setGuardAside(session, { token: tokens.standby, signal: currentAct().signal }),
    )
  const session = takeReady(place, 'admin')
  if (session === null) {
    await setting(on.standby)
    return work()
  }
  const working = work()
  // nothing of it goes on behind the back of whoever takes it back
  working.catch(() => session.close())
  const [aside, worked] = await Promise.allSettled([setting(session), working])
  if (aside.status === 'fulfilled' && worked.status === 'fulfilled') {
    putReady(place, 'admin', session)
    return worked.value
  }
  void session.close()
  throw worked.status === 'rejected' ? worked.reason : aside.status === 'rejected' ? aside.reason : undefined
}

/** Null: it was prepared by a version that knew of no guard. It is asked for again before anybody comes in. */
export function toldUnguarded(tables: readonly string[] | null): string {
  if (tables === null) return '; no table of the source has a guard yet'
  return tables.length === 0 ? '' : `; ${tables.length} tables of the source have no guard yet, ${tables[0]} among them`
}

/** While the way back is enabled a source that is opened turns writers away. Whether it may be enabled still: this session, which is inside already, may be gone, as after
 *  a stage that came too late. */
export async function followNoMore(
  source: Session,
  { back: { subscription } }: Pick<Pair, 'back'>,
  token: FenceToken,
): Promise<boolean> {
  const limit = setTimeout(() => void source.close(), FOLLOW_NO_MORE_MS)
  try {
    if (!source.open) return true
    await stopWayBack(source, { subscription, token })
    return false
  } catch {
    // what has failed before is what counts
    return true
  } finally {
    clearTimeout(limit)
  }
}

/** The same by a session of its own, which comes in once the source lets its own roles in, with the ledger away or not. */
export async function followNoMoreAnew({ connectTo }: InKeyhole, pair: Pair, token: FenceToken): Promise<void> {
  const source = await connectTo(pair.places.source.entry.database)
  const mayFollow = await followNoMore(source, pair, token).finally(() => source.close())
  if (mayFollow) throw new Error('the way back may be enabled still')
}

interface Reopening {
  readonly operation: string
  readonly pair: Pair
  readonly signal?: AbortSignal
  readonly stop: () => Promise<void>
}

/** Nobody but its own roles comes into the source before `stop` has ended. */
export async function reopened({ session, token }: InKeyhole, { operation, pair, signal, stop }: Reopening): Promise<Reopened> {
  const { entry } = pair.places.source
  if (pair.oneWay) return { opened: await openDatabases(session, { raisedBy: operation, token, signal }), back: [] }
  return reopenSource(session, {
    ...{ raisedBy: operation, database: entry.database, token, signal, stopWayBack: stop },
    keep: namesKept(entry, pair.request.declared.publisher.user),
  })
}
