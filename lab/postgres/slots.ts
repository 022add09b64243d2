/** The slots by which a primary keeps the log for its replicas, one for each, named after the replica's folder. Nobody else's slots
 *  are touched. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'

const PREFIX = 'lab_replica_'
const OBJECT_IN_USE = '55006'
const ATTEMPTS = 100
const PAUSE_MS = 50

/** Slots have names of lower case letters, digits and underscores. */
export function slotOf(folder: string): string {
  return PREFIX + folder.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
}

/** Makes the replica's slot; from now on the primary keeps the log for it. Safe to repeat. */
export async function makeSlot(client: Client, folder: string): Promise<void> {
  await client.query(
    `SELECT pg_create_physical_replication_slot($1, true)
     WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
    [slotOf(folder)],
  )
}

/** Ends who uses the slot, and drops it. Safe to repeat. */
export async function dropSlot(client: Client, slot: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1', [slot])
      await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [slot])
      return
    } catch (error) {
      if ((error as { code?: string }).code !== OBJECT_IN_USE || attempt === ATTEMPTS) throw error
    }
    await sleep(PAUSE_MS)
  }
}

/** These replicas have their slots, and no others do. */
export async function keepSlots(client: Client, folders: readonly string[]): Promise<void> {
  for (const folder of folders) await makeSlot(client, folder)
  await dropOthers(client, folders)
}

/** Drops the slots of replicas that are not among these. */
async function dropOthers(client: Client, folders: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ slot: string }>(
    "SELECT slot_name AS slot FROM pg_replication_slots WHERE slot_type = 'physical' AND starts_with(slot_name, $1)",
    [PREFIX],
  )
  const kept = new Set(folders.map(slotOf))
  for (const { slot } of rows) if (!kept.has(slot)) await dropSlot(client, slot)
}

/** Drops every slot, whoever made it: of a server that writes no log of its own any more. */
export async function dropAll(client: Client): Promise<void> {
  const { rows } = await client.query<{ slot: string }>('SELECT slot_name AS slot FROM pg_replication_slots')
  for (const { slot } of rows) await dropSlot(client, slot)
}
