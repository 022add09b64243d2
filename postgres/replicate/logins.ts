/** Who could write on the old writer once it follows. It is kept from applications by its grants, as every standby is, and those keep out neither its owner, nor
 *  the roles of the fleet file, nor whoever is a member of one of them. So nobody but Capstan may log in as one of those, and whoever does so now is told. */
import type { Session } from '../connect/session'
import { typeable } from '../health/words'
import { printable } from '../printable'
import { CRON, type Cron } from './preflight/checks/scheduled-jobs'

export interface LoginsInput {
  /** Of the source. */
  readonly database: string
  /** Roles of the fleet file, by which Capstan itself and the standby come in. */
  readonly own: readonly string[]
}

export interface OthersWhoWrite {
  /** Sessions of now that are nobody's of ours, by role: a sentence each. */
  readonly connected: readonly string[]
  /** Other roles that no grant keeps out, connected or not. */
  readonly mayLogIn: readonly string[]
}

/** Of pg_roles `r`, with $1 the database and $2 the own ones: no grant keeps it out. Superusers are the cloud's. */
const COMES_IN = `r.rolcanlogin AND NOT r.rolsuper AND EXISTS (
  SELECT FROM pg_catalog.pg_roles k WHERE (k.rolname = ANY ($2::text[]) OR k.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = $1))
     AND pg_catalog.pg_has_role(r.oid, k.oid, 'USAGE'))`

/** Ours are called so, by the tag of an attempt or by the program's name. */
const CONNECTED = `
  SELECT r.rolname::text AS role, count(*)::int AS sessions,
         ARRAY(SELECT DISTINCT x FROM pg_catalog.unnest(pg_catalog.array_agg(a.application_name)) x WHERE x <> '' ORDER BY x LIMIT 5) AS programs
    FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
   WHERE a.datname = $1 AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'
     AND a.application_name !~ '^(c[0-9]+[.][0-9]+ )?capstan( |$)' AND ${COMES_IN}
   GROUP BY r.rolname ORDER BY 1`

/** `session`: of any database of the source's server, as its master. Behind a fence nobody is shown: whoever knocks there is turned away before the server
 *  shows him. Reads only. */
export async function othersWhoWrite(session: Session, { database, own }: LoginsInput): Promise<OthersWhoWrite> {
  const connected = await session.query<{ role: string; sessions: number; programs: string[] }>(CONNECTED, [database, own])
  const roles = await session.query<{ role: string }>(
    `SELECT r.rolname::text AS role FROM pg_catalog.pg_roles r WHERE ${COMES_IN} AND r.rolname <> ALL ($2::text[]) ORDER BY 1`,
    [database, own],
  )
  return {
    connected: connected.map(({ role, sessions, programs }) => {
      const by = programs.length === 0 ? '' : ` (${programs.map((one) => printable(one)).join(', ')})`
      return `${sessions === 1 ? 'A session' : `${sessions} sessions`} of ${printable(role)}${by} ${sessions === 1 ? 'is' : 'are'} in ${database}: once it follows, no grant keeps ${printable(role)} from writing there. Have that program log in as a role of its own, or end it.`
    }),
    mayLogIn: roles.map(({ role }) => role),
  }
}

export interface CronOnSource {
  /** Jobs that would write on the old writer: a sentence each. */
  readonly blocks: readonly string[]
  /** What a person has to do about those that would not, or that cannot be seen. */
  readonly warnings: readonly string[]
}

/** A role runs a job by a connection of its own, which the grants stop, or do not. `source`: in its database, as its master. Reads only. */
export async function cronOnSource(source: Session, { database, own }: LoginsInput): Promise<CronOnSource> {
  const [cron] = await source.query<Cron>(CRON)
  if (cron === undefined || (cron.table === 'none' && (cron.home === null || cron.home === cron.database)))
    return { blocks: [], warnings: [] }
  if (cron.table !== 'readable') {
    const where = cron.table === 'none' ? `in the database ${printable(cron.home ?? '')}` : 'in a table that may not be read'
    return {
      blocks: [],
      warnings: [`pg_cron keeps its jobs ${where}: look there for jobs of ${database}, which would go on on the old writer.`],
    }
  }
  const jobs = await source.query<{ role: string | null; jobs: number; comes: boolean }>(
    `SELECT j.role, count(*)::int AS jobs, coalesce(bool_or(r.rolsuper OR ${COMES_IN}), true) AS comes
       FROM (SELECT pg_catalog.to_jsonb(c) ->> 'username' AS role FROM ONLY cron.job c WHERE c.active AND c.database = pg_catalog.current_database()) j
       LEFT JOIN pg_catalog.pg_roles r ON r.rolname = j.role GROUP BY 1 ORDER BY 1`,
    [database, own],
  )
  const off = `UPDATE cron.job SET active = false WHERE database = current_database(); -- and make them on the standby once writing has moved`
  const told = ({ role, jobs: count }: { role: string | null; jobs: number }): string =>
    `pg_cron runs ${count === 1 ? 'a job' : `${count} jobs`} in ${database}${role === null ? '' : ` as ${typeable(role)}`}`
  return {
    blocks: jobs.filter(({ comes }) => comes).map((one) => `${told(one)}, which would write on the old writer: ${off}`),
    warnings: jobs
      .filter(({ comes }) => !comes)
      .map((one) => `${told(one)}: they stay behind and fail there. Make them on the standby once writing has moved.`),
  }
}
