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
  /** Where it is a partition. */
  readonly root: number | null
  /** That root is known. */
  readonly byRoot: boolean
  /** It would be published if it were the source's. */
  readonly ours: boolean
}

/** How long another run on the source is waited for: it would change which tables there are. */
const LOCK_WAIT_MS = 10_000

/** No fence of the source's ends the session that holds its lock: of a worker that is frozen its server does, long after any REFRESH. */
const FROZEN_AFTER = '120s'

/** Safe to repeat. Throws NOT_READY_YET for another run on the source, DATABASE_REFUSED where tables that are to be copied hold rows, cannot be copied any more, one
 *  was forgotten, or would be at the last line. */
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
  const unlearnt = tables.filter((table) => waits(table, before) || (!table.known && published.has(table.name)))
  const lost = known.filter(({ name }) => !published.has(name))
  const gone = lost.filter(({ partition }) => !partition).map(({ name }) => name)
  const strange = [...published].filter((name) => !tables.some((one) => one.name === name))
  refuseAttached(
    keeper,
    tables.filter(({ oid, byRoot }) => byRoot && before.has(oid)),
  )
  const isLast = !(await readLines(source)).some((one) => one.line > line)
  const later: Learnt = { refreshed: false, deferred: isLast ? [] : unlearnt, copying: [] }
  // before the last line, one that is not published may have another name by then, or be a partition; at the last one it is somebody's own doing, and stays out
  if (unknown.length === 0 && lost.length === 0) return later
  if (gone.length > 0 || strange.length > 0) {
    // nothing comes behind the last line by which it would be made good
    if (isLast && unknown.length > 0) throw inTheWay(keeper, names, { unknown, gone, strange })
    return later
  }
  const copies = unknown.some(({ oid }) => before.has(oid))
  if (copies && !isLast) return later
  if (copies) await refuseFilled(keeper, unknown)
  else {
    // of a root that is learnt of without its rows
    const roots = new Set(unknown.map(({ oid }) => oid))
    refuseAttached(
      keeper,
      tables.filter(({ oid, root }) => root !== null && roots.has(root) && before.has(oid)),
    )
  }
  input.mayAct()
  await refreshSubscription(input.admin, { name: names.subscription, copyData: copies, signal: input.signal })
  const after = await tablesOf(keeper, names.subscription)
  refuseForgotten(keeper, known, after)
  const deferred = isLast ? [] : after.filter((table) => waits(table, before))
  return { refreshed: true, deferred, copying: copies ? unknown.map(({ name }) => name) : [] }
}

/** Of a partition that was deferred the rows come with its root, if that is copied; it may be detached before. */
const waits = ({ oid, known, ours, root, byRoot }: TableSeen, before: ReadonlySet<number>): boolean =>
  !known && (ours || (root !== null && !byRoot && before.has(oid)))

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
            CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid)::oid::bigint END AS root,
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
function refuseAttached(standby: Session, attached: readonly Standing[]): void {
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

interface InTheWay {
  readonly unknown: readonly Standing[]
  /** Followed, and published no more. */
  readonly gone: readonly string[]
  /** Published, and not there. */
  readonly strange: readonly string[]
}

/** Deferred at the last line, its tables would stay empty for ever. */
function inTheWay(standby: Session, { publication }: StandbyNames, { unknown, gone, strange }: InTheWay): Error {
  const { host, database } = standby.endpoint
  const ways = [
    ...(gone.length === 0 ? [] : [`put back into the publication ${publication} what it follows (${shownList(gone)})`]),
    ...(strange.length === 0 ? [] : [`take out of the publication ${publication} what it has not (${shownList(strange)})`]),
  ]
  const shown = shownList(unknown.map(({ name }) => name))
  return failure(
    'DATABASE_REFUSED',
    `The standby ${database} on ${host} cannot learn of ${shown} as its source publishes by now, and stays at its line. On the source, ${ways.join(', and ')}, then capstan standby resume; or seed it anew: capstan standby reseed.`,
    { host, database, tables: unknown.length },
  )
}
