/** Where things stand, as both databases say; the ledger is not asked. Reads only. */
import type { BreakGlassPapers, BreakGlassStage } from '../../contracts/break-glass'
import type { Session } from '../connect/session'
import { NOBODY } from '../fence/workers-only'

export interface SourceStanding {
  /** It takes connections at all. */
  readonly open: boolean
  readonly limit: number
  /** Of the operation: it closed it, and has not opened it. `limit` null: no worker was let in since. */
  readonly closed: { readonly limit: number | null } | null
  /** Applications are kept out by their grants. */
  readonly keptOut: boolean
  /** Of the way there: null where there is none. */
  readonly slot: { readonly active: boolean; readonly lacking: number | null } | null
  /** Who is inside that is no worker: as `app ×2`. */
  readonly sessions: number
  /** As whom the row of who may act stands. */
  readonly actor: string | null
}

export interface StandbyStanding {
  readonly keptOut: boolean
  /** By the operation of the papers, and not by one of before: it was not taken back, and no later one keeps them out. */
  readonly ours: boolean
  /** Of the way there; null: there is none. */
  readonly forward: { readonly enabled: boolean; readonly origin: string } | null
  /** Of the way back; null: there is none. */
  readonly backSlot: { readonly active: boolean; readonly behind: number | null } | null
  readonly actor: string | null
}

export interface Standing {
  readonly stage: BreakGlassStage
  /** Null: it did not answer. */
  readonly source: SourceStanding | null
  readonly standby: StandbyStanding | null
}

const ACTOR = '(SELECT f.operation FROM capstan.fence f WHERE f.singleton)'

/** `keyhole`: of the source. */
export async function lookAtSource(keyhole: Session, papers: BreakGlassPapers): Promise<SourceStanding | null> {
  const { operation, sides, names } = papers
  const [row] = await keyhole.query<{
    open: boolean
    limit: number
    ours: boolean
    held: number | null
    keptOut: boolean
    active: boolean | null
    lacking: number | null
    sessions: number
    actor: string | null
  }>(
    `SELECT d.datallowconn AS open, d.datconnlimit AS "limit", c.oid IS NOT NULL AS ours, c.connection_limit AS held,
            EXISTS (SELECT FROM capstan.kept_out k WHERE k.oid = d.oid) AS "keptOut", s.active,
            pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), s.confirmed_flush_lsn)::bigint AS lacking,
            (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend')::int AS sessions,
            ${ACTOR} AS actor
       FROM pg_catalog.pg_database d LEFT JOIN capstan.closed_database c ON c.oid = d.oid AND c.operation = $2
       LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = $3
      WHERE d.datname = $1`,
    [sides.source.database, operation, names.forward.slot],
  )
  if (row === undefined) return null
  const { open, limit, ours, held, keptOut, active, lacking, sessions, actor } = row
  return {
    ...{ open, limit, keptOut, sessions, actor },
    closed: ours ? { limit: held } : null,
    slot: active === null ? null : { active, lacking },
  }
}

/** `keyhole`: of the standby; `database`: in its database. */
export async function lookAtStandby(keyhole: Session, database: Session, papers: BreakGlassPapers): Promise<StandbyStanding> {
  const { names } = papers
  const kept = await lookBesideStandby(keyhole, papers)
  const [forward] = await database.query<{ enabled: boolean; origin: string }>(
    `SELECT s.subenabled AS enabled, s.suborigin AS origin FROM pg_catalog.pg_subscription s
       JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database() AND s.subname = $1`,
    [names.forward.subscription],
  )
  const [backSlot] = await database.query<{ active: boolean; behind: number | null }>(
    `SELECT active, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), confirmed_flush_lsn)::bigint AS behind
       FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
    [names.back.slot],
  )
  return { ...kept, forward: forward ?? null, backSlot: backSlot ?? null }
}

/** As far as its keyhole alone says. */
export async function lookBesideStandby(
  keyhole: Session,
  { sides, operation }: BreakGlassPapers,
): Promise<Pick<StandbyStanding, 'keptOut' | 'ours' | 'actor'>> {
  const [kept] = await keyhole.query<{ by: string | null; actor: string | null }>(
    `SELECT (SELECT k.operation FROM capstan.kept_out k JOIN pg_catalog.pg_database d ON d.oid = k.oid WHERE d.datname = $1) AS by, ${ACTOR} AS actor`,
    [sides.standby.database],
  )
  const { by, actor } = kept ?? { by: null, actor: null }
  return { keptOut: by !== null, ours: by === operation, actor }
}

export function stageOf(source: SourceStanding | null, standby: StandbyStanding | null): BreakGlassStage {
  if (source === null || standby === null) return 'unknown'
  const shut = !source.open
  const workersOnly = source.open && source.limit === NOBODY && source.closed !== null
  if (standby.keptOut) {
    if (shut) return 'closed'
    if (workersOnly) return 'workers-only'
    return source.keptOut ? 'kept' : 'open'
  }
  if (shut || workersOnly) return 'opened'
  if (!source.keptOut) return 'both-open'
  return standby.forward === null ? 'turned' : 'follows'
}
