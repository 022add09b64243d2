/** Which tables a subscription has to learn of at a line. It asks its source which there are as that is now, and not as it was at the line: where the source has
 *  gone further, what it calls otherwise by then would be forgotten, and its rows passed over without a word. Then nothing is asked, and the tables that the
 *  subscription does not know are copied whole at the last line. */
import { Failure, failure } from '../../contracts/failures'
import type { StandbyNames } from '../../contracts/standby'
import type { Session } from '../connect/session'
import { DEFAULT_HISTORY } from '../migrate/history'
import { acquireLock, releaseLock } from '../migrate/lock'
import { readDeferred, readLines } from '../migrate/schema-line'
import { historyValues, PUBLISHED, RELATIONS } from './preflight/relations'
import { refreshSubscription } from './subscription'
import { shownList } from './tables'

export interface LearnInput {
  /** In the standby's database, as who holds the line. */
  readonly keeper: Session
  /** The subscription's owner. */
  readonly admin: Session
  readonly source: Session
  readonly names: StandbyNames
  readonly line: number
  readonly mayAct: () => void
  readonly signal?: AbortSignal | undefined
}

export interface Learnt {
  readonly refreshed: boolean
  /** As `schema.table`, quoted. */
  readonly deferred: readonly Standing[]
  readonly copying: readonly string[]
}

interface Standing {
  readonly oid: number
  readonly name: string
}

interface TableSeen extends Standing {
  readonly known: boolean
  readonly partition: boolean
  /** The root of it, where it is a partition, is known. */
  readonly byRoot: boolean
  /** It would be published if it were the source's. */
  readonly ours: boolean
}

/** How long another run on the source is waited for: it would change which tables there are. */
const LOCK_WAIT_MS = 10_000

/** No fence of the source's ends the session that holds its lock: of a worker that is frozen its server does, long after any REFRESH. */
const FROZEN_AFTER = '120s'

/** Safe to repeat. Throws NOT_READY_YET for another run on the source, DATABASE_REFUSED where tables that are to be copied hold rows, cannot be copied any more, or
 *  one was forgotten. */
export async function learnTables(input: LearnInput): Promise<Learnt> {
  const { source, signal } = input
  await source.set('idle_session_timeout', FROZEN_AFTER)
  try {
    await acquireLock(source, { waitMs: LOCK_WAIT_MS, signal }).catch((error: unknown) => {
      throw error instanceof Failure && error.code === 'MIGRATION_LOCK_HELD' ? sourceHeld(error) : error
    })
    try {
      return await learn(input)
    } finally {
      await releaseLock(source).catch(() => undefined)
    }
  } finally {
    if (source.open) await source.set('idle_session_timeout', '0').catch(() => undefined)
  }
}

/** It ends by itself, so that one standby need not be left behind for it, nor the files that come after. */
const sourceHeld = (cause: Failure): Failure =>
  failure('NOT_READY_YET', `The standby stays where it is for now. On its source: ${cause.message}`, cause.facts, { cause })

async function learn(input: LearnInput): Promise<Learnt> {
  const { keeper, source, names, line } = input
  const published = new Set(await publishedNames(source, names.publication))
  const tables = await tablesOf(keeper, names.subscription)
  const before = new Set(await readDeferred(keeper))
  const known = tables.filter((table) => table.known)
  const unknown = tables.filter((table) => !table.known && published.has(table.name))
  const unlearnt = tables.filter((table) => !table.known && (table.ours || published.has(table.name)))
  const lost = known.filter(({ name }) => !published.has(name))
  const isSafe =
    lost.every(({ partition }) => partition) && [...published].every((name) => tables.some((one) => one.name === name))
  refuseAttached(keeper, tables, before)
  const isLast = !(await readLines(source)).some((one) => one.line > line)
  // before the last line, one that is not published may have another name by then, or be a partition; at the last one it is somebody's own doing, and stays out
  if (unknown.length === 0 && lost.length === 0) return { refreshed: false, deferred: isLast ? [] : unlearnt, copying: [] }
  if (!isSafe) return { refreshed: false, deferred: unlearnt, copying: [] }
  const copies = unknown.some(({ oid }) => before.has(oid))
  if (copies && !isLast) return { refreshed: false, deferred: unlearnt, copying: [] }
  if (copies) await refuseFilled(keeper, unknown)
  input.mayAct()
  await refreshSubscription(input.admin, { name: names.subscription, copyData: copies, signal: input.signal })
  const after = await tablesOf(keeper, names.subscription)
  refuseForgotten(keeper, known, after)
  const deferred = isLast ? [] : after.filter((table) => !table.known && table.ours)
  return { refreshed: true, deferred, copying: copies ? unknown.map(({ name }) => name) : [] }
}

async function publishedNames(source: Session, publication: string): Promise<string[]> {
  const rows = await source.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(schemaname) || '.' || pg_catalog.quote_ident(tablename) AS name
       FROM pg_catalog.pg_publication_tables WHERE pubname = $1`,
    [publication],
  )
  return rows.map(({ name }) => name)
}

/** Takes the subscription's name as $3. */
const knownAs = (table: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_subscription_rel r JOIN pg_catalog.pg_subscription s ON s.oid = r.srsubid WHERE r.srrelid = ${table} AND s.subname = $3)`

function tablesOf(standby: Session, subscription: string): Promise<TableSeen[]> {
  return standby.query<TableSeen>(
    `SELECT c.oid::bigint AS oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.relispartition AS partition, ${PUBLISHED} AS ours,
            ${knownAs('c.oid')} AS known, c.relispartition AND ${knownAs('pg_catalog.pg_partition_root(c.oid)')} AS "byRoot"
       FROM ${RELATIONS} WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 2`,
    [...historyValues(DEFAULT_HISTORY), subscription],
  )
}

/** One that was a partition has its rows already, and has missed what came since. */
async function refuseFilled(standby: Session, tables: readonly Standing[]): Promise<void> {
  const filled: string[] = []
  for (const { name } of tables) {
    // quoted by PostgreSQL itself
    const [row] = await standby.query<{ held: boolean }>(`SELECT EXISTS (SELECT FROM ${name}) AS held`)
    if (row?.held === true) filled.push(name)
  }
  if (filled.length === 0) return
  const { host, database } = standby.endpoint
  throw failure(
    'DATABASE_REFUSED',
    `Tables of the standby ${database} on ${host} were not followed for a while, and hold rows (${shownList(filled)}): nobody’s rows are thrown away. Seed it anew: capstan standby reseed.`,
    { host, database, tables: filled.length },
  )
}

/** What came into it meanwhile is nowhere, and PostgreSQL copies no partition by itself once its root is followed. */
function refuseAttached(standby: Session, tables: readonly TableSeen[], before: ReadonlySet<number>): void {
  const attached = tables.filter(({ oid, byRoot }) => byRoot && before.has(oid))
  if (attached.length === 0) return
  const { host, database } = standby.endpoint
  const shown = shownList(attached.map(({ name }) => name))
  throw failure(
    'DATABASE_REFUSED',
    `Tables of the standby ${database} on ${host} were not followed for a while, and are partitions by now (${shown}), which cannot be copied by themselves: seed it anew: capstan standby reseed.`,
    { host, database, tables: attached.length },
  )
}

/** Somebody has changed the source by hand in that moment. */
function refuseForgotten(standby: Session, known: readonly TableSeen[], after: readonly TableSeen[]): void {
  const forgotten = known.filter(({ oid, partition }) => !partition && after.some((one) => one.oid === oid && !one.known))
  if (forgotten.length === 0) return
  const { host, database } = standby.endpoint
  const shown = shownList(forgotten.map(({ name }) => name))
  throw failure(
    'DATABASE_REFUSED',
    `The source publishes tables no more that the standby ${database} on ${host} followed (${shown}), and did so while it was asked: what comes of them would be passed over. Seed it anew: capstan standby reseed.`,
    { host, database, tables: forgotten.length },
  )
}
