/** Counters from which write rates follow: the difference of two readings over the time between them. */
import type { Session, StatementOptions } from '../connect/session'

export interface TableWrites {
  /** Rows inserted, updated and deleted since the statistics were last reset. */
  readonly writes: number
  /** The statistics' estimate of live rows. */
  readonly rows: number
}

export interface TableWriteCounters {
  /** The server's clock. */
  readonly at: string
  /** By `schema.table`. */
  readonly tables: Readonly<Record<string, TableWrites>>
}

export async function tableWriteCounters(session: Session, options: StatementOptions = {}): Promise<TableWriteCounters> {
  const rows = await session.query<{ at: string; relation: string | null; writes: number; rows: number }>(
    `SELECT clock.at, s.schemaname || '.' || s.relname AS relation, s.n_tup_ins + s.n_tup_upd + s.n_tup_del AS writes, s.n_live_tup AS rows
       FROM (SELECT clock_timestamp() AS at) AS clock LEFT JOIN pg_catalog.pg_stat_user_tables s ON s.schemaname <> 'capstan'`,
    [],
    options,
  )
  const tables = rows.flatMap(({ relation, writes, rows: live }) =>
    relation === null ? [] : [[relation, { writes, rows: live }] as const],
  )
  return { at: rows[0]?.at ?? '', tables: Object.fromEntries(tables) }
}
