/** What an old writer and the new one say themselves, when somebody means to remove the old one: read through their keyholes, and of what stands in the new one's own database. Changes nothing. */
import { Failure } from '../../contracts/failures'
import type { NewWriterInside, NotAsked, OldWriterInside, OtherDatabase } from '../../contracts/old-writer'
import type { Session } from '../../postgres/connect/session'
import { databasesOf } from '../../postgres/fence/databases'
import { isEmpty } from '../../postgres/fence/describe'
import { lookInside, preparedTransactions, shownSessions } from '../../postgres/fence/inside'
import type { ConnectTo } from '../../postgres/fence/keyhole'
import { oldWriters, readMovedAway } from '../../postgres/fence/moved-away'
import { oidsOf } from '../../postgres/fence/raise'
import { keptOutBy, notKeptOut, stillIn } from '../../postgres/replicate/keep-out'
import { readOrigin } from '../../postgres/replicate/seeding'
import type { ActivityDeps } from '../deps'
import { throughKeyhole } from '../replacement/old-inside'
import { MAINTENANCE, masterOf, namesKept } from '../replication/keyhole'
import type { Place } from '../replication/sides'
import { withSession } from '../schema/open-session'
import type { OldWriterDataActivities } from './contract'

export function createOldWriterDataActivities(deps: ActivityDeps): OldWriterDataActivities {
  const placeOf = async ({ address, ...ref }: Parameters<OldWriterDataActivities['lookIntoNewWriter']>[0]): Promise<Place> => {
    const { database: entry } = await deps.ledger.getBundle(ref.bundle)
    return { ref, entry, address }
  }
  return {
    async lookIntoOldWriter({ publishers, ...of }) {
      const place = await placeOf(of)
      const connectTo = masterOf(deps, place)
      const old = { connectTo, place, publishers }
      const looked = await throughKeyhole(connectTo, (session) => oldInside(session, { ...old, keyhole: true }))
      if ('why' in looked) return { asked: false, why: looked.why }
      return looked.seen ?? unlessUnasked(() => withoutKeyhole(old))
    },
    async lookIntoNewWriter(of) {
      const place = await placeOf(of)
      return unlessUnasked(() => newInside(deps, place))
    },
  }
}

/** What cannot be asked is no proof of anything. */
async function unlessUnasked<T>(look: () => Promise<T>): Promise<T | NotAsked> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'aborted') throw error
    return { asked: false, why: error.message }
  }
}

/** One that its cloud alone has closed may never have had any: what else it holds is seen all the same. */
async function withoutKeyhole(old: OldPlace): Promise<OldWriterInside> {
  const session = await old.connectTo(MAINTENANCE)
  return oldInside(session, { ...old, keyhole: false }).finally(() => session.close())
}

interface OldPlace {
  readonly connectTo: ConnectTo
  readonly place: Place
  readonly publishers: readonly string[]
}

async function oldInside(
  session: Session,
  { connectTo, place, publishers, keyhole }: OldPlace & { readonly keyhole: boolean },
): Promise<OldWriterInside> {
  const { entry } = place
  const { databases } = await databasesOf(session, 'instance')
  const own = databases.filter(({ name }) => name === entry.database)
  // before we come into any of the others: a session of ours that is ending is still there for a moment
  const inside = (await lookInside(session, oidsOf(own))).sessions.filter(({ vendor }) => !vendor)
  const [first] = own
  const kept = [...namesKept(entry, null), ...publishers]
  return {
    ...{ asked: true, keyhole },
    mark: await readMovedAway(session, entry.database),
    closed: first?.open === false,
    open:
      first === undefined
        ? [`there is no database ${entry.database} in it any more`]
        : first.open
          ? await openTo(session, entry.database, kept)
          : [],
    stillIn: first?.open === true ? await stillIn(session, { database: entry.database, keep: kept }) : [],
    sessions: inside.length === 0 ? null : shownSessions(inside),
    // no session holds them, and no comparison of tables shows them
    prepared: (await preparedTransactions(session, 'all')).map((one) => `${one.gid} in ${one.database}`),
    readers: await readersOf(session),
    others: await othersThan(session, { connectTo, name: entry.database }),
  }
}

async function openTo(session: Session, database: string, keep: readonly string[]): Promise<readonly string[]> {
  if ((await keptOutBy(session, database)) === null) return [`nobody is kept out of ${database}`]
  try {
    return await notKeptOut(session, { database, keep: [...keep] })
  } catch (error) {
    if (error instanceof Failure && error.code === 'FENCE_REFUSED') return [error.message]
    throw error
  }
}

/** Nobody reads a slot that stayed when its reader went. */
async function readersOf(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    'SELECT slot_name::text AS name FROM pg_catalog.pg_replication_slots WHERE active ORDER BY 1',
  )
  return rows.map(({ name }) => name)
}

/** Those that are closed count as well: who may not come in does not see that they are empty. */
async function othersThan(session: Session, { connectTo, name }: Pick<OldPlace, 'connectTo'> & { name: string }) {
  const { databases } = await databasesOf(session, 'instance')
  const moved = await oldWriters(session)
  const others: OtherDatabase[] = []
  for (const one of databases) {
    if (one.name === name || (one.open && (await isEmpty(connectTo, one.name)))) continue
    const mark = moved.find(({ oid }) => oid === one.oid)
    const { operation, writer } = mark ?? {}
    const told = operation === undefined || writer === undefined ? null : { operation, writer }
    others.push({ name: one.name, open: one.open, moved: told })
  }
  return others
}

async function newInside(deps: ActivityDeps, place: Place): Promise<NewWriterInside | NotAsked> {
  const { ref, entry, address } = place
  const asked = { entry, ...ref, address, canary: false, ownAddress: true } as const
  const [recovering, follows] = await withSession(deps, { ...asked, role: 'migrator' }, async (session) => {
    const [row] = await session.query<{ recovering: boolean }>('SELECT pg_catalog.pg_is_in_recovery() AS recovering')
    return [row?.recovering !== false, (await readOrigin(session))?.source ?? null] as const
  })
  const looked = await throughKeyhole(masterOf(deps, place), async (session) => ({
    mark: await readMovedAway(session, entry.database),
    keptOut: await keptOutBy(session, entry.database),
    limited: await session.query<{ database: string }>(
      'SELECT datname::text AS database FROM pg_catalog.pg_database WHERE datname = $1 AND (NOT datallowconn OR datconnlimit = 0)',
      [entry.database],
    ),
  }))
  if ('why' in looked) return { asked: false, why: looked.why }
  const { mark = null, keptOut = null, limited = [] } = looked.seen ?? {}
  return {
    ...{ asked: true, recovering, follows, mark },
    shut: [
      ...(keptOut === null ? [] : [`${keptOut} keeps applications out of ${entry.database}`]),
      ...(limited.length === 0 ? [] : [`${entry.database} lets nobody in`]),
    ],
  }
}
