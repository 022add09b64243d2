/** Settings by which a crash of the machine loses what was committed, or the whole database. */

import type { HealthFinding } from '../../../contracts/health'
import type { Check } from '../check'

export const DURABILITY: Check = {
  id: 'durability',
  scope: 'instance',
  async find({ query }) {
    const [row] = await query<{ fsync: string; pages: string; aurora: boolean }>(
      `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
              EXISTS (SELECT FROM pg_catalog.pg_proc WHERE proname = 'aurora_version' AND pronamespace = 'pg_catalog'::regnamespace) AS aurora`,
    )
    return {
      findings: [
        ...(row?.fsync === 'off' ? [FSYNC] : []),
        // Aurora's storage does not write pages at all.
        ...(row?.pages === 'off' && !row.aurora ? [FULL_PAGES] : []),
      ],
    }
  },
}

const about = { check: 'durability', database: null, object: null } as const

const FSYNC: HealthFinding = {
  ...about,
  severity: 'critical',
  message: 'The setting fsync is off.',
  why: 'After a crash of the machine the database may be damaged beyond repair, and its commits are gone.',
  command: 'ALTER SYSTEM SET fsync = on; -- or in the cloud’s parameters; then SELECT pg_reload_conf();',
}

const FULL_PAGES: HealthFinding = {
  ...about,
  severity: 'warning',
  message: 'The setting full_page_writes is off.',
  why: 'A crash in the middle of writing a page leaves it half old and half new, unless the file system writes 8 kB whole, as ZFS does.',
  command: 'ALTER SYSTEM SET full_page_writes = on; -- or in the cloud’s parameters; then SELECT pg_reload_conf();',
}
