/** How many connections are left for roles that are no superusers. */
import type { Check } from '../check'
import { grouped } from '../words'

const WARNING = 0.85
const CRITICAL = 0.95

export const CONNECTIONS: Check = {
  id: 'connections',
  scope: 'instance',
  async find({ query }) {
    // Counters of databases: every role may read them, which is not so of the list of sessions.
    const [row] = await query<{ used: number; most: number }>(
      `SELECT (SELECT sum(numbackends)::int8 FROM pg_catalog.pg_stat_database) AS used,
              current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8
                - coalesce(current_setting('reserved_connections', true), '0')::int8 AS most`,
    )
    if (row === undefined || row.used < WARNING * row.most) return { findings: [] }
    return {
      findings: [
        {
          check: 'connections',
          severity: row.used >= CRITICAL * row.most ? 'critical' : 'warning',
          database: null,
          object: null,
          message: `${grouped(row.used)} of ${grouped(row.most)} connections are taken.`,
          why: 'When none is left, applications are turned away, and so is whoever wants to find out why.',
          command:
            'SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 10;',
        },
      ],
    }
  },
}
