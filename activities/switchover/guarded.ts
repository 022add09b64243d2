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
import type { SideName } from '../replication/sides'
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

/** `asking`: of the source, once its guard stands. Where one of both fails the other one is waited for no longer than it takes to end. */
export async function guardMeanwhile<T, A>(
  sides: Sides,
  before: GuardedSource | null,
  work: { readonly waiting: (either: AbortSignal) => Promise<T>; readonly asking: (either: AbortSignal) => Promise<A> },
): Promise<{ passed: T; guarded: GuardedSource; asked: A }> {
  const over = new AbortController()
  const either = AbortSignal.any([currentAct().signal, over.signal])
  const raising = (async () => {
    const guarded = before ?? (await guardSource(sides))
    either.throwIfAborted()
    return { guarded, asked: await work.asking(either) }
  })()
  const waiting = work.waiting(either)
  for (const one of [waiting, raising]) one.catch((error: unknown) => over.abort(error))
  const [passed, raised] = await Promise.allSettled([waiting, raising])
  if (passed.status === 'fulfilled' && raised.status === 'fulfilled') return { passed: passed.value, ...raised.value }
  // what has failed first
  throw over.signal.reason
}

/** Where writing moves to. */
export function guardAside({ on, tokens }: Sides): Promise<void> {
  return inTime({ stage: 'the guard', limitMs: GUARD_MS, sessions: [on.standby] }, () =>
    setGuardAside(on.standby, { token: tokens.standby, signal: currentAct().signal }),
  )
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
