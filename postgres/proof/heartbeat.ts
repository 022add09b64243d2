/** Rows that a database writes of itself, each with the instants between which it was committed, so that a copy recovered to a moment can be
 *  held against them (rung L2): what was committed by then has to be there, what began later must not.
 *
 *  Both instants are of the server's own clock, the one that stands in its commit records and that a recovery compares its target with. `before`
 *  is taken before the commit and rounded down, `after` is taken once the commit has been acknowledged and rounded up. So a record that lies
 *  before this commit in the log is no younger than `after`, and a recovery to `after` or later passes it; and the commit itself is no older than
 *  `before`, so that a recovery to an earlier instant stops in front of it. */
import type { Finding, IsoInstant, OperationId } from '../../contracts/operation'
import { inTransaction, type Session } from '../connect/session'
import { controlTables, ensureControlSchema } from '../migrate/control-schema'

export interface FoundBeat {
  /** Unique in its database. */
  readonly id: number
  readonly operation: OperationId
  readonly label: string
  /** The commit was not earlier. */
  readonly before: IsoInstant
}

/** Plain JSON: whoever beats keeps it outside of the database. */
export interface Beat extends FoundBeat {
  /** The commit was not later. */
  readonly after: IsoInstant
  /** Of the log, at or behind the commit record. */
  readonly lsn: string
}

export interface BeatInput {
  readonly operation: OperationId
  /** What it stands for, in a word. */
  readonly label: string
  readonly signal?: AbortSignal
}

/** Beats older than this are removed by the next one. */
export const BEATS_KEPT_DAYS = 30

/** Commits one beat, durably, and removes those that are too old. Each call is another beat. Throws CONTROL_SCHEMA_FOREIGN, CREDENTIALS_REJECTED
 *  when the role may not create the schema, ServerError (25006 on a standby), CONNECTION_LOST, or the signal's reason. */
export async function beat(session: Session, { operation, label, signal }: BeatInput): Promise<Beat> {
  await ensureControlSchema(session)
  const begun = await inTransaction(session, async () => {
    // Somebody may have turned it off for the role.
    await session.execute(`SET LOCAL synchronous_commit = on`, { signal })
    await session.query(REMOVE_OLD, [BEATS_KEPT_DAYS], { signal })
    return session.query<Pick<Beat, 'id' | 'before'>>(BEGIN_BEAT, [operation, label], { signal })
  })
  const committed = await session.query<Pick<Beat, 'after' | 'lsn'>>(COMMITTED)
  const [[row], [end]] = [begun, committed]
  if (row === undefined || end === undefined) throw new Error('an INSERT or a SELECT without FROM answered no row')
  return { ...row, operation, label, ...end }
}

const REMOVE_OLD = `DELETE FROM capstan.heartbeat WHERE began_at < clock_timestamp() - make_interval(days => $1::int)`

/** The driver cuts what is finer than a millisecond, which rounds it down. */
const BEGIN_BEAT = `INSERT INTO capstan.heartbeat (operation, label, began_at) VALUES ($1, $2, clock_timestamp())
  RETURNING id, began_at AS before`

const COMMITTED = `SELECT date_trunc('milliseconds', clock_timestamp() + interval '999 microseconds') AS after,
  pg_current_wal_flush_lsn()::text AS lsn`

/** All that are there, oldest first; none where nobody ever beat. Reads only. Throws CONTROL_SCHEMA_FOREIGN. */
export async function beatsIn(session: Session): Promise<FoundBeat[]> {
  if (!(await controlTables(session)).has('heartbeat')) return []
  return session.query<FoundBeat>(`SELECT id, operation, label, began_at AS before FROM capstan.heartbeat ORDER BY id`)
}

export interface TargetProof {
  /** `target:beat-missing`, `target:beat-too-late`. */
  readonly findings: readonly Finding[]
  /** Committed so close to the target that either is right, or so long before it that they may have been removed. */
  readonly undecided: number
  /** Beats that were there as they had to be, and that were absent as they had to be: without any of a kind nothing was proven from that side. */
  readonly present: number
  readonly absent: number
  /** The newest beat in the copy; null: it has none. */
  readonly newest: FoundBeat | null
  /** From the newest beat in the copy to the target, in milliseconds, when the copy was recovered to it: no more than so much is missing. Null
   *  without one. */
  readonly rpoMs: number | null
}

export interface TargetQuestion {
  /** What the copy was recovered to, as the cloud understood it: rounded where the cloud rounds. */
  readonly at: IsoInstant
  /** Beats of the database from which the copy was made, as `beat` told them. */
  readonly expected: readonly Beat[]
  /** What `beatsIn` says of the copy. */
  readonly found: readonly FoundBeat[]
}

/** Pure. Says nothing of a copy that was made from a snapshot: the moment of that is not known. */
export function judgeTarget({ at, expected, found }: TargetQuestion): TargetProof {
  const target = Date.parse(at)
  const there = new Set(found.map(({ id }) => id))
  // The day covers a clock that differs a little from the one that removes them.
  const keptFrom = target - (BEATS_KEPT_DAYS - 1) * DAY_MS
  const due = expected.filter(({ before, after }) => Date.parse(after) <= target && Date.parse(before) >= keptFrom)
  const missing = due.filter(({ id }) => !there.has(id))
  // Beats that nobody kept are told by their rows.
  const late = new Map([...expected, ...found].filter(({ before }) => Date.parse(before) > target).map((one) => [one.id, one]))
  const tooLate = [...late.values()].filter(({ id }) => there.has(id))
  const newest = found.reduce<FoundBeat | null>((last, one) => (last === null || one.before > last.before ? one : last), null)
  return {
    findings: [...missing.map((one) => missingBeat(one, at)), ...tooLate.map((one) => lateBeat(one, at))],
    undecided: expected.filter((one) => !due.includes(one) && !late.has(one.id)).length,
    present: due.length - missing.length,
    absent: late.size - tooLate.length,
    newest,
    rpoMs: newest === null ? null : Math.max(0, target - Date.parse(newest.before)),
  }
}

const DAY_MS = 86_400_000

function missingBeat({ id, label, after }: Beat, at: IsoInstant): Finding {
  return {
    rule: 'target:beat-missing',
    message: `Heartbeat ${id} (${label}) was committed by ${after} and is not in the copy, which was to be recovered to ${at}: commits are missing.`,
  }
}

function lateBeat({ id, label, before }: FoundBeat, at: IsoInstant): Finding {
  return {
    rule: 'target:beat-too-late',
    message: `Heartbeat ${id} (${label}) was begun at ${before} and is in the copy, which was to be recovered to ${at}: it went too far.`,
  }
}
