/** Who else sends or gets rows of these two databases. */
import { bytes, typeable } from '../../../health/words'
import { type Check, type Look, NOTHING, type Told } from '../check'

interface Slot extends Record<string, unknown> {
  readonly name: string
  readonly active: boolean
  readonly held: number | null
}

const SLOTS = `
  SELECT slot_name::text AS name, active,
         greatest(0, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn))::int8 AS held
    FROM pg_catalog.pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() AND NOT temporary
     AND slot_name IS DISTINCT FROM $1 ORDER BY slot_name`

async function slots({ source, asked }: Look): Promise<Told> {
  const rows = await source.query<Slot>(SLOTS, [asked.names?.slot ?? null])
  return {
    findings: rows.map(({ name, active, held }) => ({
      severity: 'warning',
      side: 'source',
      object: name,
      message: `Somebody else's slot ${name} reads this database${active ? '' : ', is not being read now'} and holds back ${bytes(held ?? 0)} of log.`,
      why: 'Its reader stays with the source when writing moves, and gets nothing more.',
      command: active
        ? `SELECT * FROM pg_replication_slots WHERE slot_name = '${name}'; -- its reader has to be moved by hand before a switchover`
        : `SELECT pg_drop_replication_slot('${name}'); -- once its reader is known to be gone for good`,
    })),
  }
}

interface Subscription extends Record<string, unknown> {
  readonly name: string
  readonly shown: string
  readonly enabled: boolean
  readonly slot: string | null
}

const SUBSCRIPTIONS = `
  SELECT s.subname::text AS name, quote_ident(s.subname) AS shown, s.subenabled AS enabled, s.subslotname::text AS slot
    FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
   WHERE d.datname = current_database() AND s.subname IS DISTINCT FROM $1 ORDER BY s.subname`

/** It goes in circles where the source's subscription reads a slot that the standby has. Other names may be of other servers. */
async function subscriptionsOfSource({ source, standby, asked }: Look): Promise<Told> {
  const rows = await source.query<Subscription>(SUBSCRIPTIONS, [asked.names?.subscription ?? null])
  if (rows.length === 0) return NOTHING
  const there = new Set((await standby.query<Slot>(SLOTS, [null])).map(({ name }) => name))
  return {
    findings: rows.map(({ shown, enabled, slot }) => {
      const circles = slot !== null && there.has(slot)
      const name = typeable(shown)
      return {
        severity: circles ? 'blocks' : 'warning',
        side: 'source',
        object: name,
        message: `The source subscribes itself, by ${name}${enabled ? '' : ', which is disabled'}${circles ? `, from a slot that the standby has (${slot})` : ''}.`,
        why: circles
          ? 'What it gets from the standby would be sent there again, without end.'
          : 'What it gets is sent on to the standby; when writing moves, that which it subscribes to still goes to the source.',
        command: circles
          ? `ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ${name} SET (slot_name = NONE); DROP SUBSCRIPTION ${name};`
          : `SELECT subname, subpublications FROM pg_subscription; -- it has to be moved by hand at a switchover`,
      }
    }),
  }
}

async function subscriptionsOfStandby({ standby, asked }: Look): Promise<Told> {
  const rows = await standby.query<Subscription>(SUBSCRIPTIONS, [asked.names?.subscription ?? null])
  return {
    findings: rows.map(({ shown }) => {
      const name = typeable(shown)
      return {
        severity: 'blocks',
        side: 'standby',
        object: name,
        message: `The standby subscribes to something else already, by ${name}.`,
        why: 'What comes by it would lie beside the source’s rows, or stop at them.',
        command: `ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ${name} SET (slot_name = NONE); DROP SUBSCRIPTION ${name}; -- then its slot, where it comes from`,
      }
    }),
  }
}

export const FOREIGN_SLOTS: Check = { id: 'foreign-slots', questions: [slots, subscriptionsOfSource, subscriptionsOfStandby] }
