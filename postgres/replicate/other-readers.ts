/** Who else reads the log of a source whose writing moves. A slot of this database serves nobody any more behind the fence, and what is written afterwards
 *  comes to it only by way of the standby, with another origin and later: whoever reads it has to be moved by hand first. A physical replica reads the whole
 *  server's log, fence or not, and goes on: it shows what the old writer gets by the way back. */
import type { Session } from '../connect/session'
import { printable } from '../printable'

export interface OtherReaders {
  /** Of this database, but the one by which the standby follows. */
  readonly slots: readonly { readonly name: string; readonly active: boolean; readonly plugin: string }[]
  /** Physical ones, by what they call themselves or their slot. */
  readonly replicas: readonly string[]
}

/** In the source's database. Reads only. */
export async function otherReaders(source: Session, slot: string): Promise<OtherReaders> {
  const slots = await source.query<OtherReaders['slots'][number]>(
    `SELECT slot_name::text AS name, active, plugin::text AS plugin FROM pg_catalog.pg_replication_slots
      WHERE slot_type = 'logical' AND database = pg_catalog.current_database() AND slot_name <> $1 ORDER BY 1`,
    [slot],
  )
  const replicas = await source.query<{ name: string }>(
    `SELECT DISTINCT n.name FROM (
       SELECT coalesce(nullif(r.application_name, ''), r.client_addr::text, 'a replica') AS name
         FROM pg_catalog.pg_stat_replication r LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid
         JOIN pg_catalog.pg_stat_activity a ON a.pid = r.pid AND a.datid IS NULL WHERE coalesce(s.slot_type, 'physical') = 'physical'
       UNION ALL SELECT 'slot ' || slot_name FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical' AND NOT active) n ORDER BY 1`,
  )
  return { slots, replicas: replicas.map(({ name }) => printable(name)) }
}

/** Why writing cannot move while they read, a sentence each. `standbyOf`: which standby of Capstan's own reads that slot; null: it is somebody else's. */
export function readersInTheWay(
  { slots }: Pick<OtherReaders, 'slots'>,
  standbyOf: (slot: string) => { readonly source: string; readonly target: string } | null,
): string[] {
  return slots.map(({ name, active, plugin }) => {
    const own = standbyOf(name)
    const what = active ? 'reads this database' : 'keeps log of this database, and nobody reads it now'
    if (own !== null)
      return `Slot ${name} of the standby ${own.target} ${what}: it would get nothing more. "capstan standby remove ${own.source} --to ${own.target}" first, and "capstan replicate" from the new writer afterwards.`
    return `Slot ${name} (${printable(plugin)}) of somebody else ${what}: its reader would get nothing more. Have it read another database or end it, then SELECT pg_drop_replication_slot('${name}').`
  })
}

/** What becomes of physical replicas; null: there are none. */
export function replicasLeft({ replicas }: Pick<OtherReaders, 'replicas'>): string | null {
  if (replicas.length === 0) return null
  return `Physical replicas stay with the old writer: ${replicas.join(', ')}. They show what it gets from the new one, later than before; lead readers elsewhere if that is not enough.`
}
