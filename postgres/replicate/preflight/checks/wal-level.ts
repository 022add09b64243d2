/** Whether the log tells rows, which is what a subscriber reads. */
import { type Check, NOTHING } from '../check'
import { toSet } from '../to-set'

const LEVEL = `SELECT current_setting('wal_level') AS level, pg_is_in_recovery() AS recovering`

interface Level extends Record<string, unknown> {
  readonly level: string
  readonly recovering: boolean
}

export const WAL_LEVEL: Check = {
  id: 'wal-level',
  questions: [
    async ({ source }) => {
      const [row] = await source.query<Level>(LEVEL)
      if (row?.recovering === true) {
        return {
          findings: [
            {
              severity: 'blocks',
              side: 'source',
              object: null,
              message: 'The source is itself a replica of another server.',
              why: 'Nothing can be published there, since nothing can be written.',
              command: '-- name its primary as the source',
            },
          ],
        }
      }
      if (row?.level === 'logical') return NOTHING
      return {
        findings: [
          {
            severity: 'blocks',
            side: 'source',
            object: null,
            message: `wal_level of the source is ${row?.level}, and it has to be logical.`,
            why: 'Its log does not tell rows, so that no slot for a subscriber can be made.',
            command: toSet(source.cloud, 'wal_level', 'logical', true),
          },
        ],
      }
    },
    async ({ standby }) => {
      const [row] = await standby.query<Level>(LEVEL)
      if (row === undefined || row.level === 'logical' || row.recovering) return NOTHING
      return {
        findings: [
          {
            severity: 'warning',
            side: 'standby',
            object: null,
            message: `wal_level of the standby is ${row.level}.`,
            why: 'It can follow, but once writing has moved to it nobody can follow it back, and changing that restarts it.',
            command: toSet(standby.cloud, 'wal_level', 'logical', true),
          },
        ],
      }
    },
  ],
}
