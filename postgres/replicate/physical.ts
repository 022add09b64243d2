/** A physical pair: one server that writes, and a replica that replays its log, as each of both says of itself. */
import type { Session } from '../connect/session'
import { readFence } from '../migrate/fence'
import { UNLOGGED, type Unlogged } from './preflight/checks/unlogged-tables'

export interface PhysicalSide {
  /** It replays another's log, and takes no writes. */
  readonly replays: boolean
  /** Equal on both sides of a pair; null: this role may not read it. */
  readonly system: string | null
  /** Flushed by a writer, replayed by a replica. */
  readonly lsn: string | null
  /** Of the row of who may act in this database. */
  readonly epoch: number
}

/** Reads only. */
export async function physicalSide(session: Session, signal?: AbortSignal): Promise<PhysicalSide> {
  const [row] = await session.query<Omit<PhysicalSide, 'system' | 'epoch'> & { mayIdentify: boolean }>(
    `SELECT pg_is_in_recovery() AS replays, has_function_privilege('pg_control_system()', 'EXECUTE') AS "mayIdentify",
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END::text AS lsn`,
    [],
    { signal },
  )
  if (row === undefined) throw new Error('a SELECT without FROM answered no row')
  const identified = row.mayIdentify
    ? await session.query<{ id: string }>('SELECT system_identifier::text AS id FROM pg_control_system()', [], { signal })
    : []
  const { epoch } = await readFence(session)
  return { replays: row.replays, lsn: row.lsn, system: identified[0]?.id ?? null, epoch }
}

/** Of a replica: the newest commit that it has replayed since it was started, by the clock of who made it, and how far its log is replayed. Reads only. */
export async function lastReplayed(
  replica: Session,
  signal?: AbortSignal,
): Promise<{ readonly at: string; readonly lsn: string | null } | null> {
  const [row] = await replica.query<{ at: string | null; lsn: string | null }>(
    `SELECT pg_catalog.to_char(pg_catalog.pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at,
            pg_catalog.pg_last_wal_replay_lsn()::text AS lsn`,
    [],
    { signal },
  )
  return row?.at == null ? null : { at: row.at, lsn: row.lsn }
}

/** Of a replica: how far its log is replayed, and whether that is all that it has received. Reads only. */
export async function replaying(
  replica: Session,
  signal?: AbortSignal,
): Promise<{ readonly lsn: string | null; readonly isAll: boolean }> {
  const [row] = await replica.query<{ lsn: string | null; isAll: boolean }>(
    `SELECT pg_catalog.pg_last_wal_replay_lsn()::text AS lsn,
            coalesce(pg_catalog.pg_last_wal_replay_lsn() >= pg_catalog.pg_last_wal_receive_lsn(), true) AS "isAll"`,
    [],
    { signal },
  )
  return row ?? { lsn: null, isAll: true }
}

export interface LeftBehind {
  /** Logical slots of any database of the server, which a replica does not have. */
  readonly slots: readonly string[]
  /** Unlogged tables of this database that hold something: a replica has them empty. */
  readonly unlogged: readonly string[]
  /** The other databases of the server. */
  readonly others: readonly string[]
}

/** Of a writer. Reads only. */
export async function leftBehind(session: Session, signal?: AbortSignal): Promise<LeftBehind> {
  const slots = await session.query<{ name: string }>(
    `SELECT pg_catalog.format('%s (%s)', slot_name, database) AS name FROM pg_catalog.pg_replication_slots
      WHERE slot_type = 'logical' AND NOT temporary ORDER BY 1`,
    [],
    { signal },
  )
  const unlogged = await session.query<Unlogged>(UNLOGGED, [], { signal })
  const others = await session.query<{ name: string }>(
    `SELECT datname::text AS name FROM pg_catalog.pg_database WHERE NOT datistemplate AND datallowconn AND datname <> current_database() ORDER BY 1`,
    [],
    { signal },
  )
  return {
    slots: slots.map(({ name }) => name),
    unlogged: unlogged.filter(({ bytes }) => bytes > 0).map(({ shown }) => shown),
    others: others.map(({ name }) => name),
  }
}

/** Log that a writer has flushed after a position of its replica. Of a writer; null: that position is not known. */
export async function bytesAhead(writer: Session, replayed: string | null): Promise<number | null> {
  if (replayed === null) return null
  const [row] = await writer.query<{ bytes: number }>(
    'SELECT greatest(0, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), $1::pg_lsn))::bigint AS bytes',
    [replayed],
  )
  return row === undefined ? null : Number(row.bytes)
}
