/** Who else could write on a source that lets workers in: whatever CONNECTION LIMIT does not keep out. Such rows would be behind the barrier and on the old
 *  source only. Nothing at hand shuts these out, so they are told before the fence is raised. */
import type { Session } from '../connect/session'
import { PAST_LIMIT } from '../fence/workers-only'
import { loads } from '../inspect/inertness'

export interface OtherWritersInput {
  readonly publication: string
  /** Of the way there: whose walsender serves it is no stranger. */
  readonly slot: string
  /** Of the way back. */
  readonly subscription: string
}

/** A sentence each. `source`: in its database; who asks is not told. Reads only. */
export async function otherWriters(source: Session, input: OtherWritersInput): Promise<string[]> {
  return [
    ...(await strangers(source, input.subscription)),
    ...(await rolesThatWrite(source, input)),
    ...writingLibraries(await librariesOf(source)),
  ]
}

/** Other subscriptions that are enabled: their workers come in with those of the way back. */
export async function strangers(source: Session, subscription: string): Promise<string[]> {
  const rows = await source.query<{ name: string }>(
    `SELECT s.subname::text AS name FROM pg_catalog.pg_subscription s
      WHERE s.subenabled AND s.subname <> $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()) ORDER BY 1`,
    [subscription],
  )
  return rows.map(
    ({ name }) => `Subscription ${name} of the source writes there too, and would go on behind the standby's back: disable it.`,
  )
}

async function rolesThatWrite(source: Session, { publication, slot }: OtherWritersInput): Promise<string[]> {
  const rows = await source.query<{ role: string }>(
    `SELECT r.rolname::text AS role FROM pg_catalog.pg_roles r
      WHERE ${PAST_LIMIT} AND pg_catalog.has_database_privilege(r.oid, current_database(), 'CONNECT') AND r.rolname <> current_user
        AND r.rolname NOT IN (SELECT a.usename FROM pg_catalog.pg_replication_slots s JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
                               WHERE s.slot_name = $2 AND a.usename IS NOT NULL)
        AND EXISTS (SELECT FROM pg_catalog.pg_publication_tables t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
                      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
                      JOIN pg_catalog.pg_roles g ON pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')
                     WHERE t.pubname = $1 AND pg_catalog.has_table_privilege(g.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
      ORDER BY 1`,
    [publication, slot],
  )
  return rows.map(
    ({ role }) =>
      `Role ${role} may have sessions of replication, which no limit keeps out, and may write published tables: take the one from it or the other.`,
  )
}

interface Libraries extends Record<string, unknown> {
  /** Null: we may not know. */
  readonly preloaded: string | null
  /** Null: it has no such setting. */
  readonly cronWorkers: string | null
  readonly cronLaunch: string | null
}

async function librariesOf(source: Session): Promise<Libraries> {
  const [found] = await source.query<Libraries>(
    `SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
            (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.use_background_workers') AS "cronWorkers",
            (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'cron.launch_active_jobs') AS "cronLaunch"`,
  )
  if (found === undefined) throw new Error('the server does not say how it is set')
  return found
}

/** They write tables of any database by workers of their own. */
const WRITING = ['pg_partman_bgw', 'pg_task', 'timescaledb', 'citus', 'pglogical', 'pgactive', 'bdr']

export function writingLibraries({ preloaded, cronWorkers, cronLaunch }: Libraries): string[] {
  if (preloaded === null)
    return [
      'Which libraries the source preloads may not be read, and some write by workers of their own: grant pg_read_all_settings.',
    ]
  const found = WRITING.filter((library) => loads(preloaded, library))
  const cron = loads(preloaded, 'pg_cron') && cronWorkers === 'on' && cronLaunch !== 'off'
  return [
    ...found.map(
      (library) =>
        `The source preloads ${library}, whose workers write and are kept out by no limit: take it out of shared_preload_libraries.`,
    ),
    // by connections its jobs are turned away like everybody
    ...(cron
      ? [
          'pg_cron of the source runs its jobs by background workers, which no limit keeps out: set cron.use_background_workers to off.',
        ]
      : []),
  ]
}
