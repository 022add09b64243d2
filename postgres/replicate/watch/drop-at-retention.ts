/** Drops a standby's slot, so that the log that it holds back does not fill the disk of the source. The ledger is told first, never the other way
 *  round: a standby whose slot is gone must not be taken for one that follows. Whoever dies between the two leaves a slot that is too many, and a
 *  state by which the next look finds that out.
 *
 *  A slot's name is the same once the standby is seeded anew. So only one is dropped that was there before the ledger was asked, which its place in
 *  the log shows: a worker that was paused in between and wakes up later meets a slot that begins behind that place, and leaves it alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../../contracts/failures'
import { ServerError } from '../../connect/errors'
import type { Session } from '../../connect/session'

export interface DropAtRetention {
  readonly slot: string
  /** By what the names of the slots match that copy its tables; null: not known, and they stay. */
  readonly copySlots: string | null
  /** Writes down that the standby is to be seeded anew, and resolves too when that stands there already; throws when the standby has become
   *  something else. It is called several times. */
  readonly recordSeeding: () => Promise<void>
  /** How long walsenders may take to end. */
  readonly waitMs?: number
  readonly signal?: AbortSignal | undefined
}

/** A walsender ends at once, unless its process stands still. */
const WAIT_MS = 15_000
/** For how long the ledger's word holds. */
const ROUND_MS = 1_000
/** A subscriber that lost its walsender asks for another one at once, and only after that waits for wal_retrieve_retry_interval. */
const PAUSE_MS = 10

interface HeldSlot {
  readonly name: string
  readonly pid: number | null
}

/** The one that follows comes last: while it is there, the others are looked for. */
const HELD = `
  SELECT slot_name::text AS name, active_pid AS pid
    FROM pg_catalog.pg_replication_slots
   WHERE slot_type = 'logical' AND database = current_database() AND (slot_name = $1::name OR slot_name ~ $2::text)
   ORDER BY slot_name = $1::name, slot_name`

/** A slot whose log was removed has no place in it. */
const OLD = `FROM pg_catalog.pg_replication_slots
  WHERE slot_type = 'logical' AND database = current_database() AND slot_name = $1::name AND (restart_lsn IS NULL OR restart_lsn < $2::pg_lsn)`

/** Without its own way to wait for the end, which sleeps for 100 ms at a time: by then the next one is there. */
const END_SENDER = `SELECT pg_catalog.pg_terminate_backend(active_pid) ${OLD} AND active_pid IS NOT NULL`

const DROP = `SELECT pg_catalog.pg_drop_replication_slot(slot_name) ${OLD}`

/** Resolves to the names of those that it dropped; none: they were gone. Safe to repeat. Throws what `recordSeeding` throws, before anything is dropped;
 *  CREDENTIALS_REJECTED; NOT_READY_YET when a walsender does not end. */
export async function dropAtRetention(source: Session, input: DropAtRetention): Promise<readonly string[]> {
  const { slot, copySlots, recordSeeding, waitMs = WAIT_MS, signal } = input
  const deadline = performance.now() + waitMs
  const dropped: string[] = []
  for (;;) {
    signal?.throwIfAborted()
    const [log] = await source.query<{ end: string }>('SELECT pg_catalog.pg_current_wal_insert_lsn()::text AS end')
    if (log === undefined) throw new Error('the source does not say where its log ends')
    await recordSeeding()
    const held = await source.query<HeldSlot>(HELD, [slot, copySlots])
    if (held.length === 0) return dropped
    const roundEnd = Math.min(deadline, performance.now() + ROUND_MS)
    for (const { name } of held) if (await drop(source, { name, end: log.end, roundEnd })) dropped.push(name)
    if (performance.now() > deadline) throw stillServed(held, waitMs)
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

interface OldSlot {
  readonly name: string
  /** Where the log ended before the ledger was asked. */
  readonly end: string
  readonly roundEnd: number
}

/** False: it is gone, began later, or is still in use. */
async function drop(source: Session, { name, end, roundEnd }: OldSlot): Promise<boolean> {
  for (;;) {
    try {
      await source.query(END_SENDER, [name, end])
      return (await source.query(DROP, [name, end])).length > 0
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      // undefined_object, object_in_use
      if (error.sqlState === '42704') return false
      if (error.sqlState === '42501') throw mayNot(source, name, error)
      if (error.sqlState !== '55006') throw error
      if (performance.now() > roundEnd) return false
      await sleep(PAUSE_MS)
    }
  }
}

function mayNot({ endpoint: { user, database } }: Session, slot: string, cause: ServerError): Error {
  return failure(
    'CREDENTIALS_REJECTED',
    `The role ${user} may not drop the slot ${slot} of ${database} or end its walsender (${cause.message}), and the slot holds back log until the disk ` +
      `is full: give ${user} REPLICATION and pg_signal_backend, or drop the slot as another role.`,
    { user, database, slot },
    { cause },
  )
}

function stillServed(held: readonly HeldSlot[], waitMs: number): Error {
  const shown = held.map(({ name, pid }) => (pid === null ? name : `${name} (process ${pid})`)).join(', ')
  return failure(
    'NOT_READY_YET',
    `After ${waitMs / 1_000} s there is still: ${shown}. A walsender that stands still neither ends nor lets go of its slot; it is tried again.`,
    { slots: shown },
  )
}
