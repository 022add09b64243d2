/** Whether a standby replays the log that the source writes: its position means something in that log only. The standby of a subscriber, or of
 *  another branch after a failover, has positions of its own, and would seem to have come while it is late. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { systemOf } from './identity'
import type { Side } from './side'

/** The branch of the log: of a writer the one that it writes; of a standby the newest that it has heard of, where its role may read it from its
 *  receiver at once, else with the next pages that are flushed. */
const TIMELINE = `
  SELECT CASE WHEN pg_is_in_recovery()
              THEN greatest((SELECT timeline_id FROM pg_control_checkpoint()),
                            (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
                            (SELECT max(received_tli) FROM pg_stat_wal_receiver))
              ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline`

/** Throws DATABASE_REFUSED unless it is seen that the standby's log is the source's. */
export async function refuseOtherLog(source: Side, standby: Side): Promise<void> {
  const [one, other] = [await systemOf(source), await systemOf(standby)]
  if (one === null || other === null) throw refused(UNTOLD)
  if (one !== other) throw refused(`it is a standby of another cluster: its system identifier is ${other}, the source's ${one}`)
  const [branch, followed] = [await timelineOf(source), await timelineOf(standby)]
  if (branch === null || followed === null) throw refused(UNTOLD)
  if (branch !== followed)
    throw refused(
      `it is a standby on another timeline: on ${followed}, the source on ${branch}. If it has followed the source since a failover, compare ` +
        'after its next checkpoint',
    )
}

const UNTOLD =
  'whose log it replays is not told to the role: grant it EXECUTE on pg_control_system(), pg_control_checkpoint() and pg_control_recovery() on ' +
  'both sides'

/** Null: the role may not know. */
async function timelineOf(side: Side): Promise<number | null> {
  try {
    const [row] = await side.query<{ timeline: number | null }>(TIMELINE)
    return row?.timeline ?? null
  } catch (error) {
    // insufficient_privilege: somebody has taken it from the public
    if (error instanceof ServerError && error.sqlState === '42501') return null
    throw error
  }
}

const refused = (why: string) =>
  failure(
    'DATABASE_REFUSED',
    `The target cannot be seen to follow the source (${why}), so that what is late could not be told from what differs: give a target that follows the source itself, or stop the writes and compare without --live.`,
    {},
  )
