/** Slots that the workers which copy a table make on the source, each for its own table, and drop once it is copied. Who is killed meanwhile leaves them
 *  there, and they keep the log as any other. As PostgreSQL names them (ReplicationSlotNameForTablesync): the subscription, the table, the cluster that copies. */
import type { Session } from '../connect/session'
import { explained } from './behind-fence'
import { type DropSlotInput, dropSlot } from './slot'

export interface CopyingSlots {
  /** A regular expression that nobody else's fit. */
  readonly pattern: string
  /** Of tables that are not copied yet: those that there may be. One in the state `s` has dropped its own, or was killed right before. */
  readonly names: readonly string[]
}

/** `oid`: of the subscription; `system`: the identifier of the cluster that copies. */
export function copyingSlotsPattern(oid: number | string, system: string): string {
  return `^pg_${oid}_sync_[0-9]+_${system}$`
}

/** `oid`: of the subscription, which has to be there still. */
export async function copyingSlotsOf(standby: Session, oid: number): Promise<CopyingSlots> {
  const [row] = await explained(standby, 'it needs EXECUTE on pg_control_system()', () =>
    standby.query<{ system: string; names: string[] }>(
      `SELECT c.system_identifier::text AS system,
              ARRAY(SELECT pg_catalog.format('pg_%s_sync_%s_%s', r.srsubid, r.srrelid, c.system_identifier) FROM pg_catalog.pg_subscription_rel r
                     WHERE r.srsubid = $1::bigint::oid AND r.srsubstate <> 'r' ORDER BY r.srrelid) AS names
         FROM pg_catalog.pg_control_system() c`,
      [oid],
    ),
  )
  if (row === undefined) throw new Error('the server does not say who it is')
  return { pattern: copyingSlotsPattern(oid, row.system), names: row.names }
}

/** Once no worker of the subscription runs. Safe to repeat. */
export async function dropCopyingSlots(source: Session, pattern: string, input: Omit<DropSlotInput, 'name'>): Promise<void> {
  const slots = await source.query<{ name: string }>(
    `SELECT slot_name::text AS name FROM pg_catalog.pg_replication_slots WHERE slot_name ~ $1 AND database = pg_catalog.current_database() ORDER BY 1`,
    [pattern],
  )
  for (const { name } of slots) await dropSlot(source, { ...input, name })
}
