/** What is in a database, small enough to keep: its schema's fingerprint, and for each part of each table how many rows it has and the sum of
 *  their hashes. Two of them around a backup, the second bound to the first, say what a copy of it must hold (rung L4, `content.ts`).
 *  Why it is done so: docs/decisions/0013-manifests-around-a-backup.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import type { IsoInstant } from '../../contracts/operation'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { describeSchema, type SchemaDescription } from '../inspect/fingerprint'
import { serverFacts } from '../inspect/server'
import type { HistoryLocation } from '../migrate/history'
import { alteredSince } from '../verify/altered'
import type { CatalogTable } from '../verify/catalog'
import { Side, TooSlow } from '../verify/side'
import { tellsOfDamage } from './damage'
import type { NotProven } from './not-proven'
import { isAsFirst, placeOf, readTable, type TableManifest, Unread } from './table-manifest'
import { touchedSince } from './touched'

/** Plain JSON. Besides the schema's objects some 150 bytes for a table, and no more than a few hundred KB for all their parts. */
export interface Manifest {
  readonly version: 1
  /** The server's clock. */
  readonly startedAt: IsoInstant
  readonly finishedAt: IsoInstant
  /** Null where the role may not read it. */
  readonly systemIdentifier: string | null
  readonly database: string
  /** Every transaction with a smaller number had ended before the first manifest began (64 bits, as text). Only rows of these are summed. */
  readonly horizon: string
  /** No transaction with this number or a greater one had ended when this was finished. */
  readonly nextTransaction: string
  readonly schema: SchemaDescription
  /** Names of what was made or altered in the schema since the horizon, without their schemas; null: too many. */
  readonly touched: readonly string[] | null
  readonly tables: readonly TableManifest[]
  readonly unread: readonly UnreadTable[]
  /** What no manifest tells of. */
  readonly outside: readonly NotProven[]
}

export interface UnreadTable {
  readonly name: string
  readonly why: string
  /** PostgreSQL stumbled over its pages. */
  readonly damaged: boolean
  /** It is unlogged: no backup has a row of it, so that nothing is missing from a proof without it. */
  readonly empty?: true
}

export interface ManifestOptions {
  /** Opens a session; called `jobs` times, and once more. */
  readonly connect: () => Promise<Session>
  readonly jobs: number
  /** The manifest before the backup: this one is then of the same rows and parts. */
  readonly since?: Manifest | undefined
  /** Names of the only tables to be read; default: all. */
  readonly only?: readonly string[] | undefined
  /** What is not read by then is left out, the largest tables first; default: nothing is. */
  readonly durationMaxMs?: number | undefined
  readonly history?: HistoryLocation | undefined
  readonly onProgress?: ((progress: ManifestProgress) => void) | undefined
  /** With `since`: what `onProven` was told last by a run of the same that was interrupted; default: there was none. */
  readonly carriedOn?: ProvenTables | undefined
  /** With `since`: after every table that is as the first manifest has it. */
  readonly onProven?: ((known: ProvenTables) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Which tables are as the first manifest has them. Plain JSON, some 50 bytes a table. */
export interface ProvenTables {
  readonly version: 1
  /** Of the first manifest. */
  readonly horizon: string
  /** Every transaction with a smaller number had ended when the first of them was read. */
  readonly since: string
  /** With their places on disk. */
  readonly tables: readonly string[]
}

/** More would weigh down every heartbeat that carries them: those that were read last are the largest. */
const PROVEN_MAX = 1_000

export interface ManifestProgress {
  readonly tables: number
  readonly tablesDone: number
  readonly bytes: number
  readonly bytesDone: number
}

/** What one statement of ours may take, and how long it may wait for a lock: whoever alters the schema meanwhile is not to be waited for. */
const STATEMENT_MS_MAX = 60_000
const LOCK_TIMEOUT_MS = 2_000

/** Reads only, by short statements under no common snapshot and no lasting lock. A table that cannot be read is told in `unread`. Throws as
 *  `connect` does, POOLER_REFUSED, DATABASE_REFUSED for a server older than 14 or a schema that is locked or takes too long to read,
 *  CONNECTION_LOST, or the signal's reason. */
export async function takeManifest(options: ManifestOptions): Promise<Manifest> {
  const { connect, jobs, signal } = options
  const opened = await Promise.allSettled([connect(), Side.open({ name: 'source', connect, mode: 'live', jobs, signal })])
  const [session, side] = opened
  try {
    if (session.status === 'rejected') throw session.reason
    if (side.status === 'rejected') throw side.reason
    return await read(session.value, side.value, options)
  } finally {
    await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)))
  }
}

/** lock_not_available, query_canceled */
const NOT_IN_TIME = ['55P03', '57014']

/** Throws DATABASE_REFUSED where PostgreSQL gave up waiting. */
async function inTime<T>(asked: Promise<T>): Promise<T> {
  return asked.catch((error) => {
    if (!(error instanceof ServerError) || !NOT_IN_TIME.includes(error.sqlState)) throw error
    const message = `The schema could not be read in time: ${error.message} (SQLSTATE ${error.sqlState}). Try again when nobody alters it.`
    throw failure('DATABASE_REFUSED', message, { sqlState: error.sqlState })
  })
}

async function read(session: Session, side: Side, options: ManifestOptions): Promise<Manifest> {
  const { since, history, signal, durationMaxMs = Number.POSITIVE_INFINITY } = options
  const deadline = performance.now() + durationMaxMs
  await session.set('lock_timeout', `${LOCK_TIMEOUT_MS}ms`)
  // Not 0, which would be no limit.
  await session.set('statement_timeout', `${Math.max(1_000, Math.min(STATEMENT_MS_MAX, durationMaxMs))}ms`)
  const horizon = since?.horizon ?? (await snapshotEdges(session)).horizon
  const facts = await serverFacts(session)
  const earlier = await inTime(touchedSince(session, horizon))
  const schema = await inTime(describeSchema(session, { ...(history && { history }), ...(signal && { signal }) }))
  // Once more: what was altered in between counts as altered.
  const later = await inTime(touchedSince(session, horizon))
  const { horizon: began } = await snapshotEdges(session)
  const { tables, unread, outside } = await readTables(side, { horizon, began, deadline }, options)
  await untilFlushed(session, signal)
  const { next, now } = await snapshotEdges(session)
  return {
    version: 1,
    startedAt: facts.now,
    finishedAt: now,
    systemIdentifier: facts.systemIdentifier,
    database: facts.database,
    horizon,
    nextTransaction: next,
    schema,
    touched: earlier === null || later === null ? null : [...new Set([...earlier, ...later])].sort(),
    tables,
    unread,
    outside,
  }
}

async function snapshotEdges(session: Session): Promise<{ horizon: string; next: string; now: IsoInstant }> {
  const [row] = await session.query<{ horizon: string; next: string; now: IsoInstant }>(
    `SELECT pg_snapshot_xmin(s)::text AS horizon, pg_snapshot_xmax(s)::text AS next, clock_timestamp() AS now FROM pg_current_snapshot() s`,
  )
  if (row === undefined) throw new Error('a SELECT of one row answered none')
  return row
}

async function readTables(
  side: Side,
  { horizon, began, deadline }: { readonly horizon: string; readonly began: string; readonly deadline: number },
  { since, only, onProgress, signal, carriedOn, onProven }: ManifestOptions,
): Promise<Pick<Manifest, 'tables' | 'unread' | 'outside'>> {
  const catalog = await inTime(side.catalog())
  const firsts = since && new Map(since.tables.map((table) => [table.name, table]))
  const asked = only === undefined ? [...catalog.tables] : catalog.tables.filter(({ name }) => only.includes(name))
  const wanted = asked.sort((a, b) => a.bytes - b.bytes)
  const bytes = wanted.reduce((sum, table) => sum + table.bytes, 0)
  const tables: TableManifest[] = []
  const unread: UnreadTable[] = []
  const leftBefore = new Set(since?.unread.map(({ name }) => name))
  const earlier = carriedOn?.version === 1 && carriedOn.horizon === horizon ? carriedOn : undefined
  const altered = earlier === undefined ? () => false : await alteredSince(side, earlier.since)
  const proven = new Set(earlier?.tables)
  let bytesDone = 0
  for (const [index, table] of wanted.entries()) {
    signal?.throwIfAborted()
    const stopped = () => performance.now() > deadline
    try {
      if (leftBefore.has(table.name)) throw new Unread('The first manifest does not have it.')
      const known = altered(table.name) ? new Set<string>() : proven
      const read = await readTable({ side, table, horizon, firsts, databaseBytes: bytes, stopped, known })
      tables.push(...read)
      const asFirst = read.filter((one) => isAsFirst(one, firsts?.get(one.name)))
      for (const one of asFirst) proven.add(placeOf(one))
      if (asFirst.length > 0)
        onProven?.({ version: 1, horizon, since: earlier?.since ?? began, tables: [...proven].slice(-PROVEN_MAX) })
    } catch (error) {
      unread.push(unreadTable(table, error))
    }
    bytesDone += table.bytes
    onProgress?.({ tables: wanted.length, tablesDone: index + 1, bytes, bytesDone })
  }
  const outside = catalog.outside.map((what) => ({ what, why: OUTSIDE[what] ?? 'A manifest has only the rows of tables.' }))
  return { tables, unread, outside }
}

const OUTSIDE: Readonly<Record<string, string>> = {
  sequences: 'Where they stand is no row of a transaction, so nothing says what it was when the backup was taken.',
  'large objects': 'Only a superuser may read their pages as rows.',
  'materialized views': 'They are made anew from tables.',
  'foreign tables': 'Their rows are on another server.',
}

function unreadTable({ name }: CatalogTable, error: unknown): UnreadTable {
  if (error instanceof Unread) return { name, why: error.message, damaged: false, ...(error.empty ? { empty: true } : {}) }
  if (error instanceof TooSlow)
    return { name, why: 'Even a single block of it took longer than a statement may.', damaged: false }
  if (!(error instanceof ServerError)) throw error
  return {
    name,
    why: `PostgreSQL refused: ${error.message} (SQLSTATE ${error.sqlState}).`,
    damaged: tellsOfDamage(error.sqlState),
  }
}

const FLUSH_LOOK_MS = 50

/** A commit that does not wait for the disk was seen here and may be missing from a backup that is taken in the next moment. The log writer has
 *  it on disk after three of its rounds (manual, "Asynchronous Commit"). */
async function untilFlushed(session: Session, signal: AbortSignal | undefined): Promise<void> {
  const [row] = await session.query<{ round: number }>(
    `SELECT setting::int AS round FROM pg_catalog.pg_settings WHERE name = 'wal_writer_delay'`,
  )
  const until = performance.now() + 3 * (row?.round ?? 200) + 2 * FLUSH_LOOK_MS
  const position = await logPosition(session, 'pg_current_wal_insert_lsn()')
  while (performance.now() < until) {
    if (position !== null && (await isPast(session, position))) return
    await sleep(FLUSH_LOOK_MS, undefined, { signal })
  }
}

/** Null: the server does not tell, being a standby or Aurora. */
async function logPosition(session: Session, sql: string): Promise<string | null> {
  try {
    const [row] = await session.query<{ lsn: string }>(`SELECT ${sql}::text AS lsn`)
    return row?.lsn ?? null
  } catch (error) {
    if (error instanceof ServerError) return null
    throw error
  }
}

async function isPast(session: Session, position: string): Promise<boolean> {
  const [row] = await session.query<{ past: boolean }>('SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS past', [position])
  return row?.past === true
}
