/** Workers of the standby: one applies, others copy tables, and one more process launches them. Where it is in the log of each source that it
 *  follows it keeps in as many places as it has slots. */
import type { PreflightFinding } from '../../../../contracts/preflight'
import type { Check, SideLook } from '../check'
import { scarce } from '../room'
import { toSet } from '../to-set'

interface Places extends Record<string, unknown> {
  readonly workers: number
  readonly workersTaken: number
  readonly processes: number
  readonly origins: number
  readonly originsTaken: number
  /** Since 18 origins have a setting of their own. */
  readonly originsSetting: string
  readonly copiers: number
}

/** A subscription that rests may start at any moment, so each counts. */
const PLACES = `
  SELECT current_setting('max_logical_replication_workers')::int AS workers,
         greatest((SELECT count(*) FROM pg_catalog.pg_stat_subscription WHERE pid IS NOT NULL),
                  (SELECT count(*) FROM pg_catalog.pg_subscription)) AS "workersTaken",
         current_setting('max_worker_processes')::int AS processes,
         o.setting AS "originsSetting", current_setting(o.setting)::int AS origins, (SELECT count(*) FROM pg_catalog.pg_replication_origin) AS "originsTaken",
         current_setting('max_sync_workers_per_subscription')::int AS copiers
    FROM (SELECT CASE WHEN current_setting('server_version_num')::int < 180000 THEN 'max_replication_slots'
                      ELSE 'max_active_replication_origins' END AS setting) o`

const WHY = {
  least: 'One has to apply what is written and one to copy: nothing would be copied, or nothing would follow.',
  wanted: 'Fewer tables are copied at a time.',
}

export const STANDBY_ROOM: Check = {
  id: 'standby-room',
  questions: [
    async ({ standby, asked }) => {
      const [places] = await standby.query<Places>(PLACES)
      if (places === undefined) throw new Error('the standby does not say how it is set')
      const { workers, copiers } = places
      const wanted = 1 + Math.max(1, copiers)
      const needs = { side: 'standby', least: 2, wanted, why: WHY } as const
      const logical = {
        ...needs,
        setting: 'max_logical_replication_workers',
        what: 'workers of subscriptions',
        max: workers,
        taken: places.workersTaken,
      }
      const processes = {
        ...needs,
        setting: 'max_worker_processes',
        what: 'background processes',
        max: places.processes,
        // the launcher, and what already works for subscriptions; those of extensions and of parallel queries come and go
        taken: 1 + places.workersTaken,
      }
      const origins = {
        ...needs,
        setting: places.originsSetting,
        what: 'places for what it follows',
        max: places.origins,
        taken: places.originsTaken,
      }
      const scarcities = [logical, processes, origins].flatMap((one) => scarce(one, standby, asked.prepared))
      return { findings: [...scarcities, ...(copiers === 0 ? [noCopier(standby)] : [])] }
    },
  ],
}

function noCopier({ cloud }: SideLook): Omit<PreflightFinding, 'check'> {
  return {
    severity: 'blocks',
    side: 'standby',
    object: null,
    message: 'max_sync_workers_per_subscription of the standby is 0.',
    why: 'No table is ever copied.',
    command: toSet(cloud, 'max_sync_workers_per_subscription', 2, false),
  }
}
