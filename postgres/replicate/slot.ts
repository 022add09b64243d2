/** What makes the source keep its log for a standby that has not had it yet. Made by hand and not by CREATE SUBSCRIPTION, so that a death between the two
 *  leaves a name that is known, and so that the subscription can be made in a transaction.
 *
 *  `two_phase` is off: a transaction that is prepared is sent once it is committed, and none is left on a standby that takes over. `failover` is on from
 *  17 on: where the source's own standby keeps slots in step (sync_replication_slots), ours outlives the source's failover within its cloud; elsewhere it
 *  does nothing. Where the source also names `synchronized_standby_slots`, ours waits for those, and that is meant: a subscriber that has got what the
 *  promoted server has not would differ from it for good. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { assertBefore, explained, type Guarded } from './behind-fence'

export interface SlotInput extends Guarded {
  readonly name: string
}

export interface EnsuredSlot {
  readonly made: boolean
  /** Whether the source's own standbys keep it in step; a subscription has to be told the same. */
  readonly failover: boolean
}

const PLUGIN = 'pgoutput'
const TO_GRANT = 'it needs REPLICATION (on RDS: membership in rds_replication)'
const FAILOVER_SINCE = 170_000

/** `source`: in the published database, as a role that may replicate. Waits for the transactions that run at that moment. Safe to repeat. Throws
 *  RESOURCE_NOT_OURS for one of that name that is of another kind or database, NOT_READY_YET while another session makes it, DATABASE_REFUSED for one that lost its log or where none is free, CREDENTIALS_REJECTED. */
export async function ensureSlot(source: Session, input: SlotInput): Promise<EnsuredSlot> {
  const offered = source.serverVersionNum >= FAILOVER_SINCE
  const found = await findSlot(source, input.name)
  if (found !== null) {
    refuseOther(source, input.name, found)
    refuseLost(source, input.name, found)
    if (!found.ready) throw unfinished(source, input.name, found)
    return { made: false, failover: found.failover }
  }
  await assertBefore(source, input)
  const create = `SELECT pg_catalog.pg_create_logical_replication_slot($1, '${PLUGIN}', false, false${offered ? ', true' : ''})`
  try {
    await explained(source, TO_GRANT, () => source.query(create, [input.name], { signal: input.signal }))
    return { made: true, failover: offered }
  } catch (error) {
    // duplicate_object: another attempt was quicker
    if (error instanceof ServerError && error.sqlState === '42710') return ensureSlot(source, input)
    // configuration_limit_exceeded, object_not_in_prerequisite_state
    if (!(error instanceof ServerError) || !['53400', '55000'].includes(error.sqlState)) throw error
    const { host } = source.endpoint
    throw failure(
      'DATABASE_REFUSED',
      `${host} makes no slot (${error.sqlState}: ${error.message}): it needs wal_level = logical and a free one of max_replication_slots.`,
      { host, slot: input.name, sqlState: error.sqlState },
      { cause: error },
    )
  }
}

export interface DropSlotInput extends SlotInput {
  /** How long it may be held by a walsender that is told to end. Default 30,000. */
  readonly waitMs?: number | undefined
  /** Of which it is, where that lets nobody in and the session is in another one. Default: the session's own. */
  readonly database?: string | undefined
}

const WAIT_MS = 30_000
const PAUSE_MS = 50

/** Ends who reads from it, then drops it. Gone already is fine. Throws RESOURCE_NOT_OURS for one of another kind or database, NOT_READY_YET where it is
 *  still held after `waitMs`, CREDENTIALS_REJECTED. */
export async function dropSlot(source: Session, input: DropSlotInput): Promise<void> {
  const { name, waitMs = WAIT_MS, signal, database } = input
  await assertBefore(source, input)
  for (const deadline = performance.now() + waitMs; ; await sleep(PAUSE_MS, undefined, { signal })) {
    const found = await findSlot(source, name)
    if (found === null) return
    refuseOther(source, name, database === undefined ? found : { ...found, here: found.database === database })
    if (found.heldBy === null) {
      if (await dropped(source, name)) return
      continue
    }
    if (performance.now() > deadline) throw held(source, name, found.heldBy, waitMs)
    await explained(source, 'it needs pg_signal_backend, and who holds the slot must be no superuser', () =>
      source.query(END_HOLDER, [name]),
    )
  }
}

/** Only whoever holds it at this very moment. */
const END_HOLDER = `SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL`

/** False: it was taken again in between. */
async function dropped(source: Session, name: string): Promise<boolean> {
  try {
    await explained(source, TO_GRANT, () => source.query('SELECT pg_catalog.pg_drop_replication_slot($1)', [name]))
    return true
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    // undefined_object: another attempt was quicker; object_in_use
    if (error.sqlState === '42704') return true
    if (error.sqlState === '55006') return false
    throw error
  }
}

interface FoundSlot {
  /** It has what we make it with. */
  readonly own: boolean
  /** The database; null for a physical one. */
  readonly database: string | null
  readonly here: boolean
  readonly kind: string
  readonly heldBy: number | null
  /** It has found where it begins. Until then it is its maker's, and gone with him. */
  readonly ready: boolean
  readonly walStatus: string | null
  readonly failover: boolean
}

async function findSlot(source: Session, name: string): Promise<FoundSlot | null> {
  const failover = source.serverVersionNum >= FAILOVER_SINCE ? 's.failover' : 'false'
  const [row] = await source.query<FoundSlot>(
    `SELECT s.slot_type = 'logical' AND s.plugin = '${PLUGIN}' AND NOT s.temporary AND NOT s.two_phase AS own, s.database::text AS database,
            s.database IS NOT DISTINCT FROM pg_catalog.current_database() AS here, s.active_pid AS "heldBy",
            s.confirmed_flush_lsn IS NOT NULL AS ready, s.wal_status AS "walStatus", ${failover} AS failover,
            pg_catalog.concat_ws(' ', CASE WHEN s.temporary THEN 'temporary' END, s.slot_type, s.plugin, CASE WHEN s.two_phase THEN 'two_phase' END) AS kind
       FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = $1`,
    [name],
  )
  return row ?? null
}

function refuseOther({ endpoint: { host, database } }: Session, name: string, found: FoundSlot): void {
  if (found.own && found.here) return
  const what = found.here ? found.kind : `${found.kind} of ${found.database ?? 'the whole server'}`
  throw failure(
    'RESOURCE_NOT_OURS',
    `The slot ${name} on ${host} is there and is not ours (${what}; allowed is a logical one of ${database} by ${PLUGIN}): find out who made it, and drop it where nobody reads from it.`,
    { slot: name, host, database: found.database },
  )
}

function refuseLost({ endpoint: { host } }: Session, name: string, { walStatus }: FoundSlot): void {
  if (walStatus !== 'lost') return
  throw failure(
    'DATABASE_REFUSED',
    `The slot ${name} on ${host} has lost log that it was to keep (wal_status lost): whatever follows it has to be seeded anew.`,
    { slot: name, host },
  )
}

function unfinished({ endpoint: { host } }: Session, name: string, { heldBy }: FoundSlot): Error {
  return failure(
    'NOT_READY_YET',
    `The slot ${name} on ${host} is being made by process ${heldBy}, which waits for the transactions that ran when it began: try again once it is done or gone.`,
    { slot: name, host, pid: heldBy },
  )
}

function held({ endpoint: { host } }: Session, name: string, pid: number, waitMs: number): Error {
  return failure(
    'NOT_READY_YET',
    `The slot ${name} on ${host} is still held by process ${pid}, ${waitMs / 1000} s after it was told to end: disable the subscription that takes it again and again, then try again.`,
    { slot: name, host, pid },
  )
}
