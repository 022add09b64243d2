/** What writing moves upon, asked again at each step that takes it further: minutes may lie between two of them, and whoever resets or comes late must open
 *  nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import { quoteIdentifier } from '../../postgres/connect/quote'
import type { Session } from '../../postgres/connect/session'
import { KEYHOLE } from '../../postgres/fence/keyhole'
import { notLeft, shutAndEmpty } from '../../postgres/fence/passed'
import { closedBy } from '../../postgres/fence/raise'
import { notForWorkersOnly } from '../../postgres/fence/workers-only'
import { isKeptOut } from '../../postgres/replicate/keep-out'
import { againstMoving } from '../../postgres/replicate/stands'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { isAway } from '../replication/away'
import { masterOf, namesKept } from '../replication/keyhole'
import { answeredSoon, putReady, takeReady } from '../replication/ready'
import { opener } from '../replication/sides'
import { openSession } from '../schema/open-session'
import type { Switching } from './contract'
import { backUser, type Pair, pairOf } from './pair'

type Told = { readonly summary: string }

export async function lookOnceMore(deps: ActivityDeps, input: Switching): Promise<Told> {
  const { operation, step, fenceEpoch, epochs } = input
  const pair = await pairOf(deps, input)
  const { source, standby } = pair.places
  assertMayAct()
  const doors = [
    { place: source, door: 'keyhole', open: () => masterOf(deps, source)(KEYHOLE) },
    { place: standby, door: 'keyhole', open: () => masterOf(deps, standby)(KEYHOLE) },
    { place: standby, door: 'admin', open: opener(deps, standby, 'admin') },
  ] as const
  const { entry, address } = source
  const writer = { entry, role: 'migrator', operation, step, address, canary: false, ownAddress: true } as const
  const ask = ([here, there, inside]: readonly Session[]): Promise<string[]> => {
    if (here === undefined || there === undefined || inside === undefined) throw new Error('three sessions were asked for')
    return againstMoving({
      operation,
      source: {
        ...{ keyhole: here, database: entry.database, epoch: fenceEpoch },
        connectAsWriter: () => openSession(deps, writer),
      },
      standby: {
        ...{ keyhole: there, inside, database: standby.entry.database, epoch: epochs.standby },
        keep: namesKept(standby.entry, backUser(pair)),
      },
      ...{ forward: pair.forward, back: pair.oneWay ? null : pair.back },
    })
  }
  const stood = doors.map(({ place, door }) => takeReady(place, door)).filter((one) => one !== null)
  // all or none: those that lack are opened at once
  const soon = stood.length === doors.length ? await answeredSoon(stood, () => ask(stood)) : null
  for (const [n, { place, door }] of doors.entries()) {
    const session = stood[n]
    if (session !== undefined && soon?.told.length === 0) putReady(place, door, session)
    else void session?.close()
  }
  const against = soon?.told ?? (await askAnew(doors, ask))
  if (against.length > 0) throw notStanding(against)
  const way = pair.oneWay ? 'nothing follows' : 'the way back carries'
  return { summary: `${pair.id.source} is closed, ${way}, and applications are kept out of ${pair.id.target}` }
}

async function askAnew<T>(
  doors: readonly { readonly open: () => Promise<Session> }[],
  ask: (opened: readonly Session[]) => Promise<T>,
): Promise<T> {
  const opened = await openAll(doors.map(({ open }) => open))
  try {
    return await ask(opened)
  } finally {
    await Promise.all(opened.map((session) => session.close()))
  }
}

/** All or none. */
async function openAll(doors: readonly (() => Promise<Session>)[]): Promise<Session[]> {
  const tried = await Promise.allSettled(doors.map((open) => open()))
  const opened = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = tried.find((one) => one.status === 'rejected')
  if (failed === undefined) return opened
  await Promise.all(opened.map((session) => session.close()))
  throw failed.reason
}

/** By a session that is opened now: that one which stood ready is dead would say nothing of the source. Of a source that does not answer it has to be enough that it was
 *  closed when that writing moves was recorded: it stays so over a restart, and nothing of ours opens it since. */
const ASKING_MS = 3_000

/** Asked once it was recorded that writing moves. Resolves to a sentence for people; empty: the source says so itself. Throws FENCE_NOT_PROVEN. */
export async function stillClosed(deps: ActivityDeps, pair: Pair, operation: string): Promise<string> {
  const asking = askSource(deps, pair, operation)
  const { signal } = currentAct()
  const against = await Promise.race([asking, sleep(ASKING_MS, 'silent' as const, { signal, ref: false })])
  if (against === 'silent') return `; ${pair.id.source} did not answer, and was closed when writing moved`
  if (against.length > 0) throw notStanding(against)
  return ''
}

async function askSource(
  deps: ActivityDeps,
  { places: { source }, oneWay }: Pair,
  operation: string,
): Promise<readonly string[] | 'silent'> {
  try {
    const session = await masterOf(deps, source)(KEYHOLE)
    try {
      return await openedByOthers(session, { database: source.entry.database, operation, oneWay })
    } finally {
      // a goodbye is one more way, and nobody waits for it
      void session.close()
    }
  } catch (error) {
    if (error instanceof Failure && isAway(error) && error.code !== 'DATABASE_UNKNOWN') return 'silent'
    throw error
  }
}

/** Throws FENCE_NOT_PROVEN where somebody else has opened the source since: what was written there is there alone. */
export async function refuseOpened(keyhole: Session, { id, places, oneWay }: Pair, operation: string): Promise<void> {
  const { database } = places.source.entry
  const against = await openedByOthers(keyhole, { database, operation, oneWay })
  if (against.length === 0) return
  const [shut, left] = oneWay
    ? [shutAndEmpty(database), 'and see to it yourself that nobody writes there']
    : [
        `ALTER DATABASE ${quoteIdentifier(database)} CONNECTION LIMIT 0`,
        `and "capstan standby reseed ${id.target} --to ${id.source}" throws it away`,
      ]
  const message = `Somebody opened ${id.source} since writing moved (${against.join('; ')}): what was written there meanwhile is there alone. Find out what it is and carry it over, then ${shut}, and have this tried again; or leave this step out, ${left}.`
  throw failure('FENCE_NOT_PROVEN', message, { against: against.length })
}

/** `keyhole`: of the source. A sentence each. That it was opened to its own roles by this very operation is none: that comes later and may be repeated. */
async function openedByOthers(
  keyhole: Session,
  { database, operation, oneWay }: { readonly database: string; readonly operation: string; readonly oneWay: boolean },
): Promise<readonly string[]> {
  if (oneWay) return notLeft(keyhole, { raisedBy: operation, database })
  const against = await notForWorkersOnly(keyhole, { raisedBy: operation, database })
  if (against.length === 0) return []
  const open = (await closedBy(keyhole, operation)).length === 0
  return open && (await isKeptOut(keyhole, { database, operation })) ? [] : against
}

function notStanding(against: readonly string[]): Failure {
  const message = `Writing does not move as it stands: ${against.join('; ')}. Find out who changed it.`
  return failure('FENCE_NOT_PROVEN', message, { against: against.length })
}
