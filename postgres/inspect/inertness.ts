/** What would make a restored copy act on the outside world. A copy of a subscriber wakes up with its subscriptions enabled and takes
 *  production's replication slots; scheduled jobs run twice; foreign tables write elsewhere. An empty list means inert as far as the
 *  catalogs tell. It cannot see what an application outside does with data it finds. */
import type { Session } from '../connect/session'

export interface InertnessFinding {
  readonly id:
    | 'subscriptions'
    | 'preloaded-subscribers'
    | 'scheduled-jobs'
    | 'scheduler'
    | 'foreign-servers'
    | 'archiving'
    | 'outgoing-extensions'
  /** `acts`: it does something by itself. `may-act`: only when a statement uses it. */
  readonly severity: 'acts' | 'may-act'
  readonly message: string
}

export async function inertnessFindings(session: Session): Promise<InertnessFinding[]> {
  const [facts] = await session.query<Facts>(
    `SELECT (SELECT count(*) FROM pg_catalog.pg_subscription WHERE subenabled) AS subscriptions,
            current_setting('max_logical_replication_workers')::int AS workers,
            current_setting('max_worker_processes')::int AS processes,
            current_setting('archive_mode') AS archiving,
            (SELECT count(*) FROM pg_catalog.pg_foreign_server) AS "foreignServers",
            EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_cron') AS cron,
            (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
            (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.launch_active_jobs') AS "cronLaunch",
            (SELECT string_agg(extname, ', ' ORDER BY extname) FROM pg_catalog.pg_extension
              WHERE extname IN ('dblink', 'http', 'pg_net', 'aws_lambda', 'aws_s3', 'azure_storage', 'plpython3u', 'plperlu')) AS outgoing`,
  )
  return facts === undefined ? [] : RULES.flatMap((rule) => rule(facts) ?? [])
}

interface Facts extends Record<string, unknown> {
  readonly subscriptions: number
  readonly workers: number
  /** Of all background workers, the launchers of subscriptions and jobs among them: at 0 none starts. */
  readonly processes: number
  readonly archiving: string
  readonly foreignServers: number
  readonly cron: boolean
  /** pg_settings hides these two from roles without pg_read_all_settings: null. */
  readonly preloaded: string | null
  readonly cronLaunch: string | null
  readonly outgoing: string | null
}

/** Whether the setting names it, with or without a path. */
export function loads(preloaded: string, library: string): boolean {
  return new RegExp(`(?:^|[\\s,"/])${library}(?:$|[\\s,".])`).test(preloaded)
}

/** pg_cron's launcher starts with the server or not at all. What may not be read counts as launching. */
function mayLaunch(preloaded: string | null, cronLaunch: string | null): boolean {
  if (preloaded !== null && !loads(preloaded, 'pg_cron')) return false
  return cronLaunch !== 'off'
}

/** Subscribe by workers of their own, whatever max_logical_replication_workers is, and in any database of the server. */
const SUBSCRIBERS = ['pglogical', 'pgactive']

const RULES: readonly ((facts: Facts) => InertnessFinding | null)[] = [
  ({ subscriptions, workers, processes }) =>
    subscriptions > 0 && workers > 0 && processes > 0
      ? {
          id: 'subscriptions',
          severity: 'acts',
          message: `${subscriptions} enabled subscriptions and max_logical_replication_workers = ${workers}: set it to 0 before the first start.`,
        }
      : null,
  ({ processes, preloaded }) => {
    const found = preloaded === null ? [] : SUBSCRIBERS.filter((library) => loads(preloaded, library))
    if (processes === 0 || (preloaded !== null && found.length === 0)) return null
    const message =
      preloaded === null
        ? 'its preloaded libraries may not be read: grant pg_read_all_settings.'
        : `${found.join(' and ')} is preloaded and subscribes by workers of its own: take it out of shared_preload_libraries, or set max_worker_processes to 0.`
    return { id: 'preloaded-subscribers', severity: 'acts', message }
  },
  // its jobs are in one database of the server, which is seldom this one
  ({ cron, processes, preloaded, cronLaunch }) =>
    !cron && processes > 0 && preloaded !== null && mayLaunch(preloaded, cronLaunch)
      ? {
          id: 'scheduler',
          severity: 'acts',
          message: 'pg_cron is preloaded and may launch the jobs of another database: set cron.launch_active_jobs to off.',
        }
      : null,
  ({ cron, processes, preloaded, cronLaunch }) =>
    cron && processes > 0 && mayLaunch(preloaded, cronLaunch)
      ? {
          id: 'scheduled-jobs',
          severity: 'acts',
          message:
            preloaded === null && cronLaunch === null
              ? 'pg_cron is installed and its settings may not be read: grant pg_read_all_settings, or set cron.launch_active_jobs to off.'
              : 'pg_cron launches its jobs here: set cron.launch_active_jobs to off.',
        }
      : null,
  ({ archiving }) =>
    archiving === 'always'
      ? { id: 'archiving', severity: 'acts', message: 'archive_mode is always: a copy in recovery archives too.' }
      : null,
  ({ foreignServers }) =>
    foreignServers > 0
      ? {
          id: 'foreign-servers',
          severity: 'may-act',
          message: `${foreignServers} foreign servers are defined: statements on their tables reach other systems.`,
        }
      : null,
  ({ outgoing }) =>
    outgoing === null
      ? null
      : {
          id: 'outgoing-extensions',
          severity: 'may-act',
          message: `Extensions that reach other systems are installed: ${outgoing}.`,
        },
]
