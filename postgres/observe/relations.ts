/** Which relations exist, and which locks a backend holds on them. System catalogs, indexes and our own schema are left out. */
import type { Session } from '../connect/session'
import { type LockMode, lockMode, strength } from './lock-modes'

export interface Relation {
  readonly oid: number
  /** `schema.name`. */
  readonly name: string
  /** 0 for a relation without storage. */
  readonly filenode: number
  /** The planner's estimate, -1 when it was never analysed. */
  readonly estimatedRows: number
}

const OURS = `n.nspname <> 'capstan' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
  AND c.relname <> 'flyway_schema_history' AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S')`

export async function readRelations(session: Session): Promise<Map<number, Relation>> {
  const rows = await session.query<{ oid: number; name: string; filenode: number; estimatedRows: number }>(
    `SELECT c.oid::int8 AS oid, n.nspname || '.' || c.relname AS name, c.relfilenode::int8 AS filenode, c.reltuples AS "estimatedRows"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${OURS}`,
  )
  return new Map(rows.map((row) => [row.oid, row]))
}

export interface LockState {
  /** Bytes of WAL since the cluster's beginning. */
  readonly walPosition: number
  readonly locks: readonly { readonly oid: number; readonly mode: LockMode; readonly filenode: number | null }[]
}

interface LockRow {
  readonly oid: number
  readonly modes: readonly string[]
  readonly filenode: number | null
}

/** The strongest granted lock of backend `pid` on each user relation, and the WAL position, in one round trip. */
export async function readLocks(session: Session, pid: number): Promise<LockState> {
  const [row] = await session.query<{ wal: string; locks: LockRow[] | null }>(
    `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS wal, (
       SELECT json_agg(held) FROM (
         SELECT l.relation::int8 AS oid, json_agg(l.mode) AS modes, c.relfilenode::int8 AS filenode
           FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
          WHERE l.pid = $1 AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
            AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
          GROUP BY l.relation, c.relfilenode
       ) AS held) AS locks`,
    [pid],
  )
  const locks = (row?.locks ?? []).flatMap(({ oid, modes, filenode }) => {
    const mode = strongest(modes)
    return mode === null ? [] : [{ oid, mode, filenode }]
  })
  return { walPosition: Number(row?.wal ?? 0), locks }
}

function strongest(modes: readonly string[]): LockMode | null {
  let best: LockMode | null = null
  for (const text of modes) {
    const mode = lockMode(text)
    if (mode !== null && (best === null || strength(mode) > strength(best))) best = mode
  }
  return best
}
