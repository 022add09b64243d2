/** Whether the archive of the write-ahead log takes what it is given. Who archives in another way (a receiver, the cloud's storage) is not
 *  seen here. */
import type { Check } from '../check'
import { age } from '../words'

interface Archiver extends Record<string, unknown> {
  readonly mode: string
  readonly failing: boolean
  /** Null: nothing was ever archived. */
  readonly archivedMs: number | null
}

export const ARCHIVING: Check = {
  id: 'archiving',
  scope: 'instance',
  async find({ query }) {
    const [row] = await query<Archiver>(
      `SELECT current_setting('archive_mode') AS mode,
              coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS failing,
              (extract(epoch FROM clock_timestamp() - last_archived_time) * 1000)::int8 AS "archivedMs"
         FROM pg_catalog.pg_stat_archiver`,
    )
    if (row === undefined || row.mode === 'off' || !row.failing) return { findings: [] }
    const since = row.archivedMs === null ? 'nothing was archived yet' : `the last success was ${age(row.archivedMs)} ago`
    return {
      findings: [
        {
          check: 'archiving',
          severity: 'critical',
          database: null,
          object: null,
          message: `Archiving the write-ahead log fails; ${since}.`,
          why: 'No restore can reach a later moment, and the log stays on the disk until it is full and the database stops.',
          command:
            'SELECT last_failed_wal, last_failed_time, last_archived_wal FROM pg_stat_archiver; -- the server’s log says why',
        },
      ],
    }
  },
}
