/** Who stays inside a fenced database: sessions that were there before it was closed, and that the operation itself needs. Known by process id and by
 *  the moment at which it began, since ids are used again. What a guest does is its host's word, not the fence's: invite whoever writes nothing, or
 *  what you know. One that has gone does not come back, since nobody comes in: docs/decisions/0028-guests-of-a-fence.md. */
import { failure } from '../../contracts/failures'
import { refusePooler, type Session } from '../connect/session'

/** Plain JSON. */
export interface Guest {
  readonly pid: number
  /** As the server tells it, in UTC and to the microsecond. */
  readonly startedAt: string
  /** For people, as `the walsender of slot shop_to_azure`. */
  readonly what: string
}

/** Somebody inside, as far as it tells whether he is one. */
export interface Present {
  readonly pid: number
  /** For which it works in parallel; null: for none. */
  readonly leader: number | null
  /** Null where we may not know. */
  readonly startedAt: string | null
  /** Null: a process of the server's own. */
  readonly role: string | null
}

/** Of pg_stat_activity `a`. */
export const STARTED_AT = `pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** The session itself, opened before the fence is raised. Throws POOLER_REFUSED. */
export async function ownGuest(session: Session): Promise<Guest> {
  refusePooler(session)
  const [row] = await session.query<{ pid: number; startedAt: string | null }>(
    `SELECT a.pid, ${STARTED_AT} AS "startedAt" FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()`,
  )
  if (row === undefined || row.startedAt === null) throw new Error('the server does not show a session to itself')
  return { pid: row.pid, startedAt: row.startedAt, what: `the session of ${session.endpoint.user} that was opened before` }
}

/** The walsender that serves a slot now. `session`: of any database. Throws FENCE_REFUSED where none does, or where we may not see which. */
export async function walsenderGuest(session: Session, slot: string): Promise<Guest> {
  const what = `the walsender of slot ${slot}`
  const [row] = await session.query<{ pid: number | null; startedAt: string | null; backend: string | null }>(
    `SELECT s.active_pid AS pid, ${STARTED_AT} AS "startedAt", a.backend_type AS backend
       FROM pg_catalog.pg_replication_slots s LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid WHERE s.slot_name = $1`,
    [slot],
  )
  if (row === undefined) throw refused(`There is no slot ${slot}`, 'seed the standby anew')
  if (row.pid === null) throw refused(`Nobody reads slot ${slot}`, 'look why the standby does not follow')
  if (row.startedAt === null)
    throw refused(`${session.endpoint.user} may not see since when ${what} runs`, 'GRANT pg_read_all_stats to it')
  // one that reads it by a function can write as well, and to the fence it would be a guest
  if (row.backend !== 'walsender')
    throw refused(`Slot ${slot} is read by no walsender: process ${row.pid} is a ${row.backend ?? 'session'}`, 'end it')
  return { pid: row.pid, startedAt: row.startedAt, what }
}

function refused(what: string, then: string): Error {
  return failure('FENCE_REFUSED', `${what}: ${then}, then try again.`)
}

/** Whether it is one of them, or works for one: parallel workers go with their leader. */
export function isInvited(guests: readonly Guest[], { pid, leader, startedAt }: Present): boolean {
  return guests.some((guest) => guest.pid === leader || (guest.pid === pid && guest.startedAt === startedAt))
}

/** A sentence for each guest that is not inside any more. */
export function lostGuests(guests: readonly Guest[], sessions: readonly Present[]): string[] {
  return guests.flatMap(({ pid, startedAt, what }) => {
    const found = sessions.find((one) => one.pid === pid)
    if (found === undefined) return [`${what} (process ${pid}) is gone`]
    return found.startedAt === startedAt
      ? []
      : [`${what} (process ${pid}) is gone, and its number is that of another session, of ${found.role ?? 'the server itself'}`]
  })
}
