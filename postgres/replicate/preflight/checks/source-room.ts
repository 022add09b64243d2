/** Slots and senders of the source: one of each for the standby, and one more for each table that is copied at the same time. */
import { type Check, type Look, NOTHING, type Told } from '../check'
import { scarce } from '../room'

interface Places extends Record<string, unknown> {
  readonly slots: number
  readonly slotsTaken: number
  readonly senders: number
  readonly sendersTaken: number
}

const PLACES = `
  SELECT current_setting('max_replication_slots')::int AS slots, (SELECT count(*) FROM pg_catalog.pg_replication_slots) AS "slotsTaken",
         current_setting('max_wal_senders')::int AS senders, (SELECT count(*) FROM pg_catalog.pg_stat_replication) AS "sendersTaken"`

const COPIERS = `SELECT current_setting('max_sync_workers_per_subscription')::int AS copiers`

const WHY = {
  least:
    'The copy needs one for itself and one for the table that is being copied: it would fail and be tried again without end.',
  wanted: 'Fewer tables are copied at a time, and the attempts that find none are errors in both logs.',
}

async function room({ source, standby, asked }: Look): Promise<Told> {
  const [places] = await source.query<Places>(PLACES)
  const [there] = await standby.query<{ copiers: number }>(COPIERS)
  if (places === undefined) throw new Error('the source does not say how it is set')
  const needs = { side: 'source', least: 2, wanted: 1 + Math.max(1, there?.copiers ?? 1), why: WHY } as const
  const slots = {
    ...needs,
    setting: 'max_replication_slots',
    what: 'replication slots',
    max: places.slots,
    taken: places.slotsTaken,
  }
  const senders = { ...needs, setting: 'max_wal_senders', what: 'senders', max: places.senders, taken: places.sendersTaken }
  return { findings: [slots, senders].flatMap((one) => scarce(one, source, asked.prepared)) }
}

/** A setting of the extension is there once it is loaded. From 17 on PostgreSQL itself can keep slots over a failover. */
const KEPT = `SELECT current_setting('pg_failover_slots.synchronize_slot_names', true) IS NOT NULL AS kept`

async function overFailover({ source }: Look): Promise<Told> {
  if (source.cloud !== 'azure' || source.versionNum >= 170_000) return NOTHING
  const [row] = await source.query<{ kept: boolean }>(KEPT)
  if (row?.kept === true) return NOTHING
  return {
    findings: [
      {
        severity: 'warning',
        side: 'source',
        object: null,
        message: 'PG Failover Slots is not loaded on the source.',
        why: 'If the server is highly available, a failover of Azure’s loses the slot, and the standby has to be seeded anew.',
        command:
          'shared_preload_libraries = …,pg_failover_slots -- among the server parameters, then restart the server; with hot_standby_feedback = on',
      },
    ],
  }
}

export const SOURCE_ROOM: Check = { id: 'source-room', questions: [room, overFailover] }
