/** What is seen of a standby on either side. Reads only, in transactions that wait for no lock and end by themselves.
 *
 *  How far it follows is read from its slot: what the source has flushed and the standby has not confirmed. Never from what the walsender has sent:
 *  of one that stands still, `sent − replay` reads nothing while rows are missing. */

import type { IsoInstant } from '../../../contracts/operation'
import type { ClockSkew, CopyProgress, SourceLook, SubscriptionLook, TargetLook } from '../../../contracts/standby'
import type { Session } from '../../connect/session'
import { readOnly } from '../../health/read-only'
import { copyingSlotsPattern } from '../copying-slots'
import { skewOf } from './skew'

export interface SourceSeen {
  readonly side: SourceLook
  /** Log that was flushed and is not confirmed; null: there is no slot, or it has confirmed nothing yet. */
  readonly lagBytes: number | null
  /** Of the source, at that moment. */
  readonly clock: IsoInstant
  /** Where its log ended. */
  readonly flushed: string
  /** Beside this process's clock. */
  readonly skew: Omit<ClockSkew, 'at'>
}

export interface SourceQuestion {
  readonly slot: string
  readonly publication: string
  /** As the last look at the standby told it; null: not known. */
  readonly copySlots: string | null
}

interface SourceRow {
  readonly clock: IsoInstant
  readonly flushed: string
  readonly publishedTables: number
  /** Null: no slot of that name that decodes this very database. */
  readonly active: boolean | null
  readonly walStatus: string | null
  readonly safeBytes: number | null
  readonly retainedBytes: number | null
  readonly lagBytes: number | null
  readonly copying: number
}

/** Anybody may read these views. A table that is copied has a slot of its own on the source while it is, which may hold back more than the one that
 *  follows. On a server in recovery nothing is flushed but what was replayed. */
const SOURCE = `
  WITH log AS (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END AS flushed),
       slots AS (SELECT * FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database())
  SELECT clock_timestamp() AS clock, log.flushed::text AS flushed, (SELECT count(*) FROM pg_publication_tables WHERE pubname = $2::name) AS "publishedTables",
         s.active, s.wal_status AS "walStatus", s.safe_wal_size AS "safeBytes",
         (SELECT greatest(0, max(pg_wal_lsn_diff(log.flushed, h.restart_lsn)))::int8 FROM slots h
           WHERE h.slot_name = $1::name OR h.slot_name ~ $3::text) AS "retainedBytes",
         (SELECT count(*)::int FROM slots h WHERE h.slot_name ~ $3::text) AS copying,
         CASE WHEN s.confirmed_flush_lsn IS NOT NULL THEN greatest(0, pg_wal_lsn_diff(log.flushed, s.confirmed_flush_lsn))::int8 END AS "lagBytes"
    FROM log LEFT JOIN slots s ON s.slot_name = $1::name`

/** Throws ServerError, CONNECTION_LOST. */
export async function lookAtSource(session: Session, { slot, publication, copySlots }: SourceQuestion): Promise<SourceSeen> {
  const { rows, from, to } = await readOnly(session, async () => {
    const from = Date.now()
    return { rows: await session.query<SourceRow>(SOURCE, [slot, publication, copySlots]), from, to: Date.now() }
  })
  const [row] = rows
  if (row === undefined) throw new Error('the source does not say where its log ends')
  const { clock, flushed, publishedTables, active, walStatus, safeBytes, retainedBytes, lagBytes, copying } = row
  if (active === null) {
    const stray = copying === 0 ? {} : { strayCopySlots: { count: copying, retainedBytes: retainedBytes ?? 0 } }
    return { side: { slot: null, publishedTables, ...stray }, lagBytes: null, clock, flushed, skew: skewOf(clock, { from, to }) }
  }
  const side = { slot: { active, walStatus, retainedBytes, safeBytes }, publishedTables }
  return { side, lagBytes, clock, flushed, skew: skewOf(clock, { from, to }) }
}

export interface StandbySeen {
  readonly side: TargetLook
  /** By what the names of the slots match that copy its tables, on the source. Null: the role may not know which server this is. */
  readonly copySlots: string | null
}

export interface StandbyQuestion {
  readonly subscription: string
  /** Of the initial copy. */
  readonly progress: (session: Session) => Promise<CopyProgress>
}

interface SubscriptionRow extends Omit<SubscriptionLook, 'tables'> {
  readonly oid: string
}

/** Anybody may read every column of pg_subscription but the one with the password, and whether a worker runs. */
const SUBSCRIPTION = `
  SELECT s.oid::text AS oid, s.subenabled AS enabled, s.subdisableonerr AS "disablesOnError",
         EXISTS (SELECT FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL) AS working,
         coalesce(e.apply_error_count, 0) AS "applyErrors", coalesce(e.sync_error_count, 0) AS "syncErrors"
    FROM pg_subscription s LEFT JOIN pg_stat_subscription_stats e ON e.subid = s.oid
   WHERE s.subname = $1::name AND s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())`

const MAY_ASK = `SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may`

/** Throws ServerError, CONNECTION_LOST, or as `progress` does. */
export async function lookAtStandby(session: Session, { subscription, progress }: StandbyQuestion): Promise<StandbySeen> {
  const { row, copySlots } = await readOnly(session, async () => {
    const [row] = await session.query<SubscriptionRow>(SUBSCRIPTION, [subscription])
    return { row, copySlots: row === undefined ? null : await copySlotsOf(session, row.oid) }
  })
  if (row === undefined) return { side: { subscription: null }, copySlots }
  const { enabled, disablesOnError, working, applyErrors, syncErrors } = row
  const tables = await progress(session)
  return { side: { subscription: { enabled, disablesOnError, working, applyErrors, syncErrors, tables } }, copySlots }
}

async function copySlotsOf(session: Session, oid: string): Promise<string | null> {
  const [asked] = await session.query<{ may: boolean }>(MAY_ASK)
  if (asked?.may !== true) return null
  const [row] = await session.query<{ system: string }>('SELECT system_identifier::text AS system FROM pg_control_system()')
  return row === undefined ? null : copyingSlotsPattern(oid, row.system)
}
