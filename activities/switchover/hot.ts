/** The tables that change most, compared while nobody can write, for as long as the plan allows: what follows a table by replication may have been written to by
 *  somebody else, and a comparison beside writers sees no row that changes all the time. Nobody comes in behind the fence, so what reads there is opened before it
 *  and invited: sessions of the owner, which only read. docs/decisions/0028-guests-of-a-fence.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import type { Session } from '../../postgres/connect/session'
import { type Guest, ownGuest } from '../../postgres/fence/guests'
import type { FenceToken } from '../../postgres/migrate/fence'
import { compareDatabases } from '../../postgres/verify/compare'
import type { TableResult } from '../../postgres/verify/compared'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { opener, type SideName } from '../replication/sides'
import type { Pair } from './pair'

export interface HotTables {
  readonly guests: readonly Guest[]
  /** Throws BARRIER_NOT_PASSED where rows differ. */
  compare(): Promise<HotCompared>
  /** Resolves once none of its sessions is inside any more. */
  close(): Promise<void>
}

/** Plain JSON, for the evidence. */
export interface HotCompared {
  readonly withinMs: number
  readonly tookMs: number
  /** Proven equal, the hottest first. */
  readonly equal: readonly string[]
  /** Not compared, each with why. */
  readonly left: readonly { readonly table: string; readonly why: string }[]
}

interface HotInput {
  readonly pair: Pair
  readonly tokens: Readonly<Record<SideName, FenceToken>>
  /** Of the way there, as `schema.table`. */
  readonly tables: readonly string[]
  readonly withinMs: number
  /** In any database of the source's instance; it outlives the fence. */
  readonly keyhole: Session
}

/** One that reads, and one that holds the snapshot. */
const SESSIONS = 2
const TABLES_MAX = 50

const HOTTEST = `SELECT name FROM (SELECT pg_catalog.format('%I.%I', schemaname, relname) AS name, n_tup_ins + n_tup_upd + n_tup_del AS changed
    FROM pg_catalog.pg_stat_user_tables) t WHERE name = ANY ($1::text[]) AND changed > 0 ORDER BY changed DESC, name LIMIT ${TABLES_MAX}`

/** To be opened before the fence. */
export async function hotTables(deps: ActivityDeps, input: HotInput): Promise<HotTables> {
  const { pair, tokens } = input
  const opened: Record<SideName, Session[]> = { source: [], standby: [] }
  const all = () => [...opened.source, ...opened.standby]
  try {
    for (const side of ['source', 'standby'] as const) {
      for (let n = 0; n < SESSIONS; n += 1) opened[side].push(await opener(deps, pair.places[side], 'migrator', tokens[side])())
    }
    const guests = await Promise.all(opened.source.map(ownGuest))
    const hottest = await opened.source[0]?.query<{ name: string }>(HOTTEST, [input.tables])
    const names = (hottest ?? []).map(({ name }) => name)
    return {
      guests,
      compare: () => compareEach(opened, names, input.withinMs),
      async close() {
        await Promise.all(all().map((session) => session.close()))
        await areGone(input.keyhole, guests)
      },
    }
  } catch (error) {
    await Promise.all(all().map((session) => session.close()))
    throw error
  }
}

async function compareEach(
  opened: Readonly<Record<SideName, readonly Session[]>>,
  names: readonly string[],
  withinMs: number,
): Promise<HotCompared> {
  const { signal } = currentAct()
  const began = performance.now()
  const over = AbortSignal.timeout(withinMs)
  const either = AbortSignal.any([signal, over])
  const equal: string[] = []
  const left: { table: string; why: string }[] = []
  for (const name of names) {
    const result = over.aborted ? null : await compareOne(opened, name, either)
    signal.throwIfAborted()
    if (result?.verdict === 'different') throw differs(result)
    if (result?.verdict === 'equal') equal.push(name)
    else left.push({ table: name, why: result?.note ?? 'There was no time left.' })
  }
  return { withinMs, tookMs: Math.round(performance.now() - began), equal, left }
}

/** Null: its time was over. */
async function compareOne(
  { source, standby }: Readonly<Record<SideName, readonly Session[]>>,
  table: string,
  signal: AbortSignal,
): Promise<TableResult | null> {
  try {
    const { tables } = await compareDatabases({
      ...{ source: lender(source), target: lender(standby), mode: 'static', jobs: 1 },
      selection: { tables: [table], exclude: [] },
      signal,
    })
    return tables[0] ?? null
  } catch (error) {
    if (signal.aborted) return null
    throw error
  }
}

/** A comparison closes what it was given, and here the next one needs it. */
function lender(sessions: readonly Session[]): () => Promise<Session> {
  let next = 0
  return async () => {
    const session = sessions[next]
    next += 1
    if (session === undefined) throw new Error('a comparison asked for more sessions than were opened before the fence')
    const lent: Session = {
      ...{ endpoint: session.endpoint, backendPid: session.backendPid, serverVersionNum: session.serverVersionNum },
      pooled: session.pooled,
      get open() {
        return session.open
      },
      query: (...asked) => session.query(...asked),
      execute: (...asked) => session.execute(...asked),
      copyIn: (...asked) => session.copyIn(...asked),
      commitWith: (...asked) => session.commitWith(...asked),
      set: (...asked) => session.set(...asked),
      reset: () => session.reset(),
      close: async () => {
        if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
      },
    }
    return lent
  }
}

function differs({ table, differences: { onlyInSource, onlyInTarget, changed, exact } }: TableResult): Error {
  const rows = `${exact ? '' : 'at least '}${onlyInSource} rows are in the source alone, ${onlyInTarget} in the standby alone, ${changed} differ`
  const message = `The standby does not hold what the source does, with nobody writing: ${table}: ${rows}. Find out who writes there, then "capstan standby reseed --table ${table}".`
  return failure('BARRIER_NOT_PASSED', message, { table, onlyInSource, onlyInTarget, changed })
}

const GONE_MS = 5_000
const POLL_MS = 10

/** A session ends a moment after its connection does, and who looks inside meanwhile would find it. */
async function areGone(keyhole: Session, guests: readonly Guest[]): Promise<void> {
  const pids = guests.map(({ pid }) => pid)
  for (const until = performance.now() + GONE_MS; performance.now() < until; await sleep(POLL_MS)) {
    const there = await keyhole.query('SELECT FROM pg_catalog.pg_stat_activity WHERE pid = ANY ($1::int[])', [pids])
    if (there.length === 0) return
  }
}
