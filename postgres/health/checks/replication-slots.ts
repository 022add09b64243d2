/** A replication slot keeps write-ahead log until its consumer has read it; one that nobody reads keeps all of it, up to
 *  max_slot_wal_keep_size, which is without limit by default. */

import type { HealthFinding, Severity } from '../../../contracts/health'
import type { Check } from '../check'
import { bytes, grouped } from '../words'

interface Slot extends Record<string, unknown> {
  readonly name: string
  readonly kind: string
  readonly database: string | null
  readonly active: boolean
  readonly temporary: boolean
  /** reserved, extended, unreserved or lost (manual, pg_replication_slots); null: it reserves nothing. */
  readonly status: string | null
  readonly held: number | null
  /** How many transactions its oldest snapshot is old. */
  readonly xminAge: number | null
  /** In megabytes; -1: no limit. */
  readonly keepMax: number
}

const MEGABYTE = 1024 * 1024

export const REPLICATION_SLOTS: Check = {
  id: 'replication-slots',
  scope: 'instance',
  async find({ query }) {
    const rows = await query<Slot>(
      `SELECT slot_name::text AS name, slot_type AS kind, database::text AS database, active, temporary, wal_status AS status,
              pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::int8 AS held,
              greatest(age(xmin), age(catalog_xmin))::int8 AS "xminAge",
              (SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS "keepMax"
         FROM pg_catalog.pg_replication_slots ORDER BY held DESC NULLS LAST, slot_name`,
    )
    return { findings: rows.flatMap((slot) => told(slot)) }
  },
}

function told(slot: Slot): HealthFinding[] {
  const held = Math.max(0, slot.held ?? 0)
  const name = `The ${slot.kind} replication slot ${slot.name}`
  const holds = `${name} holds ${bytes(held)} of write-ahead log`
  const unlimited = slot.keepMax < 0
  const stop = unlimited
    ? 'Nothing limits it (max_slot_wal_keep_size is -1): it grows until the disk is full and the database stops.'
    : `At ${bytes(slot.keepMax * MEGABYTE)} (max_slot_wal_keep_size) the slot is lost, and its consumer has to be built anew.`
  if (slot.status === 'lost') {
    return [
      about(
        slot,
        'warning',
        `${name} is lost: log that its consumer had not read was removed.`,
        'Its consumer cannot go on and lags further behind with every write; it has to be built anew.',
      ),
    ]
  }
  if (slot.temporary || slot.status === null) return []
  if (!slot.active) {
    const severity = unlimited && slot.status !== 'reserved' ? 'critical' : 'warning'
    const rows = slot.xminAge === null ? '' : ` It also keeps vacuum from rows of the last ${grouped(slot.xminAge)} transactions.`
    return [about(slot, severity, `${holds}, and nobody reads it.`, `${stop}${rows}`)]
  }
  if (slot.status === 'reserved') return []
  const severity: Severity = slot.status === 'unreserved' ? 'critical' : 'warning'
  return [about(slot, severity, `${holds}, more than max_wal_size: its consumer is far behind.`, stop)]
}

function about({ name, database, active }: Slot, severity: Severity, message: string, why: string): HealthFinding {
  const look = `SELECT * FROM pg_replication_slots WHERE slot_name = '${name}';`
  return {
    check: 'replication-slots',
    severity,
    database,
    object: { kind: 'replication slot', schema: null, name },
    message,
    why,
    command: active ? look : `SELECT pg_drop_replication_slot('${name}'); -- once its consumer is known to be gone for good`,
  }
}
