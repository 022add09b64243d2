/** How far the first copy of a standby has come. Bytes are those of the tables on the source, so what is copying is near the truth and no more: the server
 *  counts what COPY brings, which is text and not pages. */
import type { CopyProgress } from '../../contracts/standby'
import type { Session } from '../connect/session'

const SHOWN_TABLES = 20

export interface CopyProgressInput {
  readonly subscription: string
  /** Of the tables on the source, by `schema.table`, quoted; those that are missing count nothing. */
  readonly sizes: ReadonlyMap<string, number>
}

interface CopiedTable {
  readonly table: string
  /** PostgreSQL's own word: `i`nit, `d`ata is copied, `f`inished, `s`ynchronised, `r`eady. */
  readonly state: string
  readonly bytes: number
}

/** Reads only. Tables that the subscription does not know yet count as not copied. */
export async function copyProgress(standby: Session, { subscription, sizes }: CopyProgressInput): Promise<CopyProgress> {
  const rows = await standby.query<CopiedTable>(
    `SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS "table", r.srsubstate::text AS state,
            coalesce((SELECT max(p.bytes_processed) FROM pg_catalog.pg_stat_progress_copy p
                       WHERE p.relid = r.srrelid AND p.datid = s.subdbid AND p.command = 'COPY FROM' AND p.type = 'CALLBACK'), 0)::bigint AS bytes
       FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_subscription_rel r ON r.srsubid = s.oid
       JOIN pg_catalog.pg_class c ON c.oid = r.srrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
      ORDER BY 1`,
    [subscription],
  )
  return progressOf(rows, sizes)
}

/** Pure. */
export function progressOf(rows: readonly CopiedTable[], sizes: ReadonlyMap<string, number>): CopyProgress {
  const names = new Set([...sizes.keys(), ...rows.map(({ table }) => table)])
  const copied = rows.map((row) => ({
    ...row,
    size: sizes.get(row.table) ?? null,
    done: doneOf(row, sizes.get(row.table) ?? null),
  }))
  return {
    tables: names.size,
    ready: rows.filter(({ state }) => state === 'r').length,
    copying: copied
      .filter(({ state }) => state === 'd')
      .slice(0, SHOWN_TABLES)
      .map(({ table, done, size }) => ({ table, bytesDone: done, bytesTotal: size })),
    bytesDone: copied.reduce((sum, { done, size }) => sum + (size === null ? 0 : done), 0),
    bytesTotal: [...sizes.values()].reduce((sum, size) => sum + size, 0),
  }
}

/** Never more than the table has. */
function doneOf({ state, bytes }: CopiedTable, size: number | null): number {
  if (state === 'i') return 0
  if (state === 'd') return size === null ? bytes : Math.min(bytes, size)
  return size ?? 0
}

/** Of the source's tables, in bytes, with what is stored out of line, by the names that were given: a partitioned one has what its partitions have. */
export async function tableSizes(source: Session, tables: readonly string[]): Promise<Map<string, number>> {
  const rows = await source.query<{ name: string; bytes: number }>(
    `SELECT w.name, coalesce((SELECT sum(pg_catalog.pg_table_size(t.relid)) FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(w.name)) t WHERE t.isleaf),
                             pg_catalog.pg_table_size(pg_catalog.to_regclass(w.name)), 0)::bigint AS bytes
       FROM pg_catalog.unnest($1::text[]) AS w(name)`,
    [tables],
  )
  return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]))
}

export interface TimedProgress {
  /** Of any clock that goes evenly. */
  readonly atMs: number
  readonly progress: CopyProgress
}

/** Pure: milliseconds until all is copied, at the pace between both looks; 0: it is. Null: that cannot be said. */
export function estimate(previous: TimedProgress | null, now: TimedProgress): number | null {
  const left = now.progress.bytesTotal - now.progress.bytesDone
  if (now.progress.ready >= now.progress.tables && left <= 0) return 0
  if (previous === null) return null
  const took = now.atMs - previous.atMs
  const gained = now.progress.bytesDone - previous.progress.bytesDone
  if (took <= 0 || gained <= 0 || left < 0) return null
  const ms = Math.ceil((left / gained) * took)
  return Number.isSafeInteger(ms) ? ms : null
}
