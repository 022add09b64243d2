/** Whether the target has what the source had: by the position up to which a standby has replayed, or up to which a subscriber has confirmed
 *  that it has applied and flushed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { refuseOtherLog } from './same-log'
import type { Side } from './side'

/** Resolves once the target shows everything that the source had when this was called. Throws FellBehind. */
export type CaughtUp = () => Promise<void>

/** The target was waited for in vain. */
export class FellBehind extends Error {
  override readonly name = 'FellBehind'
}

const POLL_MS = 20
/** For a target that was waited for in vain before, and has not come since. */
const WAIT_AGAIN_MS = 2_000

export interface FollowingOptions {
  /** Of the source; empty: those of the target's own subscriptions. */
  readonly slots: readonly string[]
  /** For how long it is waited at a time. */
  readonly waitMaxMs: number
  readonly signal: AbortSignal | undefined
}

/** Finds out how the target follows. Throws DATABASE_REFUSED when it follows in no way that can be seen: that it is late could not be told from
 *  that it differs. A standby has one way only: what a slot tells is how far its own primary follows. */
export async function followingOf(source: Side, target: Side, options: FollowingOptions): Promise<CaughtUp> {
  const { slots } = options
  const [there] = await target.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby')
  if (there?.standby === true) {
    if (slots.length > 0)
      throw failure(
        'DATABASE_REFUSED',
        'The target is a standby, and a slot does not tell how far a standby has replayed: compare a standby of the source without --slot, and ' +
          'that of a subscriber with nobody writing and without --live.',
        { slots: slots.join(', ') },
      )
    await refuseOtherLog(source, target)
    const replayed = 'SELECT pg_wal_lsn_diff($1::pg_lsn, pg_last_wal_replay_lsn())::bigint AS lacking'
    return gate(source, (lsn) => lacking(target, replayed, [lsn]), options)
  }
  const names = slots.length > 0 ? slots : await subscribedSlots(target)
  const known = await source.query<{ slot: string }>(
    `SELECT slot_name::text AS slot FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() AND slot_name = ANY ($1::name[])`,
    [names],
  )
  if (names.length === 0 || known.length < names.length) {
    const which =
      names.length === 0 ? 'it is no standby and has no enabled subscription' : `the source has no slot ${missing(names, known)}`
    throw failure(
      'DATABASE_REFUSED',
      `The target cannot be seen to follow the source (${which}), so that what is late could not be told from what differs: name its slot ` +
        'on the source with --slot, or stop the writes and compare without --live.',
      { slots: names.join(', ') },
    )
  }
  // one that has confirmed nothing may do so yet; one that is gone never comes again
  const confirmed = `SELECT CASE WHEN count(confirmed_flush_lsn) = cardinality($2::name[])
           THEN max(pg_wal_lsn_diff($1::pg_lsn, confirmed_flush_lsn))::bigint END AS lacking, count(*) < cardinality($2::name[]) AS gone
      FROM pg_replication_slots WHERE slot_name = ANY ($2::name[])`
  return gate(source, (lsn) => lacking(source, confirmed, [lsn, names]), options)
}

function missing(names: readonly string[], known: readonly { readonly slot: string }[]): string {
  return names.filter((name) => !known.some(({ slot }) => slot === name)).join(', ')
}

async function subscribedSlots(target: Side): Promise<string[]> {
  const rows = await target.query<{ slot: string }>(
    `SELECT subslotname::text AS slot FROM pg_subscription
      WHERE subenabled AND subslotname IS NOT NULL AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  return rows.map(({ slot }) => slot)
}

/** Tables that a subscription of the target has not finished copying for the first time, with what to say of them: until then its position says
 *  nothing of them. By the root of a partition. */
export async function firstCopies(target: Side): Promise<Map<string, string>> {
  const rows = await target.query<{ name: string }>(
    `SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
       FROM pg_subscription_rel r JOIN pg_class c ON c.oid = coalesce(pg_partition_root(r.srrelid), r.srrelid)
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE r.srsubstate <> 'r' AND NOT pg_is_in_recovery()`,
  )
  return new Map(
    rows.map(({ name }) => [
      name,
      'A subscription of the target still copies it for the first time: compare it once that is done.',
    ]),
  )
}

/** Bytes of the log up to a position that the target has not; none when it is not above 0. Null: that cannot be seen. Throws FellBehind where it never will. */
async function lacking(side: Side, sql: string, values: readonly unknown[]): Promise<number | null> {
  const [row] = await side.query<{ lacking: number | null; gone?: boolean }>(sql, values)
  if (row?.gone === true)
    throw new FellBehind(
      'The slot by which the target follows is gone from the source, so that nothing comes any more. Nothing more is known of the rows that differed until then.',
    )
  return row?.lacking ?? null
}

/** A commit that does not wait for the disk is seen before it is flushed, and nothing is sent before that: so the position of the last insert is
 *  waited for. What was inserted and not committed may stay unflushed for long; after three rounds of the server's log writer everything that was
 *  seen is flushed (manual, "Asynchronous Commit"), and the flush position says as much. */
function gate(
  source: Side,
  lackingAt: (lsn: string) => Promise<number | null>,
  { waitMaxMs, signal }: FollowingOptions,
): CaughtUp {
  const position = async (of: string): Promise<{ lsn: string; delay: number }> => {
    const [row] = await source.query<{ lsn: string; delay: number }>(
      `SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE ${of}() END::text AS lsn,
              (SELECT setting::int FROM pg_settings WHERE name = 'wal_writer_delay') AS delay`,
    )
    if (row === undefined) throw new Error('the source does not say where its log ends')
    return row
  }
  let patienceMs = waitMaxMs
  return async () => {
    const began = Date.now()
    const inserted = await position('pg_current_wal_insert_lsn')
    const first = await lackingAt(inserted.lsn)
    let lacks = first
    let flushed: string | null = null
    while (lacks === null || lacks > 0) {
      if (Date.now() - began > patienceMs) {
        const now = await lackingAt((await position('pg_current_wal_insert_lsn')).lsn)
        const waitedMs = patienceMs
        patienceMs = Math.min(waitMaxMs, WAIT_AGAIN_MS)
        throw new FellBehind(inVain(waitedMs, first, now))
      }
      await sleep(POLL_MS, undefined, { signal })
      if (flushed === null && Date.now() - began > 3 * inserted.delay) flushed = (await position('pg_current_wal_flush_lsn')).lsn
      lacks = await lackingAt(flushed ?? inserted.lsn)
    }
    patienceMs = waitMaxMs
  }
}

function inVain(waitedMs: number, first: number | null, now: number | null): string {
  const seconds = `${Math.round(waitedMs / 100) / 10} s`
  if (first === null || now === null)
    return `The target was waited for, ${seconds} at the last, and how far it follows cannot be seen. Nothing more is known of the rows that differed until then.`
  const grew = now > first ? `, which were ${grouped(first)} when the wait began: its lag grows` : ''
  return (
    `The target was waited for in vain, ${seconds} at the last: it lacks ${grouped(now)} bytes of the source's log${grew}. ` +
    'What differed until then may only be late: compare again when it follows more closely.'
  )
}

const grouped = (value: number): string => value.toLocaleString('en-US')
