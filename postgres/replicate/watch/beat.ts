/** The row that beats: one row, updated on the source and published, by which is seen how late the standby is. A lag in bytes says nothing of time, and
 *  a source that nobody writes to has no other row by which it could be told.
 *
 *  One clock counts, the source's. A beat bears the instant at which the source wrote it, and its age is what the source's clock says once the beat
 *  was read from the standby. So it matters neither what the standby's clock says nor what ours does, and the age is never too small: it is too
 *  large by the time since a newer beat was written that has arrived too late to be read, that is by no more than the pause between beats and what
 *  the two readings took. A source whose clock is set back, or whose successor's is behind, makes ages too small until the clock has come by the
 *  last beat again: they are none then rather than negative. */
import type { IsoInstant } from '../../../contracts/operation'
import { inTransaction, type Session } from '../../connect/session'
import { controlTables, ensureControlSchema } from '../../migrate/control-schema'

/** As `schema.table`: it has to be published with the others, and to be there on the standby before it is subscribed. */
export const BEAT_TABLE = 'capstan.standby_beat'

export interface StandbyBeat {
  /** By the source's clock. */
  readonly at: IsoInstant
  /** Where the source's log ended just before it. */
  readonly lsn: string
}

/** Two watches of one source beat one after the other; nobody else touches the row. */
const LOCK_TIMEOUT_MS = 2_000

/** Commits the next beat. It waits for this server's disk and for no standby: one that is declared synchronous and does not answer would stop it, and
 *  with it the only eye on that. Safe to repeat. Throws CONTROL_SCHEMA_FOREIGN, CREDENTIALS_REJECTED when the role may not create the schema, ServerError
 *  (25006: this is no writer; 55P03: the row is locked), CONNECTION_LOST. */
export async function beat(source: Session): Promise<StandbyBeat> {
  await ensureControlSchema(source)
  const rows = await inTransaction(source, async () => {
    await source.execute(`SET LOCAL synchronous_commit = local; SET LOCAL lock_timeout = '${LOCK_TIMEOUT_MS}ms'`)
    return source.query<StandbyBeat>(BEAT)
  })
  const [row] = rows
  if (row === undefined) throw new Error('an INSERT answered no row')
  return row
}

/** On the standby the row is never made here: the copy of the source's would meet it. */
const BEAT = `INSERT INTO capstan.standby_beat (at, lsn) VALUES (clock_timestamp(), pg_current_wal_insert_lsn())
  ON CONFLICT (singleton) DO UPDATE SET at = excluded.at, lsn = excluded.lsn RETURNING at, lsn::text AS lsn`

/** The newest beat that has arrived; null: none has. Reads only. Throws CONTROL_SCHEMA_FOREIGN. */
export async function lastBeat(standby: Session): Promise<StandbyBeat | null> {
  if (!(await controlTables(standby)).has('standby_beat')) return null
  const [row] = await standby.query<StandbyBeat>('SELECT at, lsn::text AS lsn FROM capstan.standby_beat')
  return row ?? null
}

/** In milliseconds. `clock`: of the source, read after the beat was. */
export function ageOf({ at }: StandbyBeat, clock: IsoInstant): number {
  return Math.max(0, Date.parse(clock) - Date.parse(at))
}
