/** Jobs of pg_cron. Its table is read only where it is a plain one whose rows no policy of a stranger chooses: such a policy would run with our rights. */
import { printable } from '../../../printable'
import { type Check, type Look, NOTHING, type PreflightSide, type Told } from '../check'
import { counted } from '../in-words'

export interface Cron extends Record<string, unknown> {
  /** That keeps its jobs, where pg_cron is loaded. */
  readonly home: string | null
  readonly database: string
  /** Of this database. */
  readonly table: 'none' | 'readable' | 'not-readable'
}

export const CRON = `
  SELECT nullif(current_setting('cron.database_name', true), '') AS home, current_database()::text AS database,
         coalesce((SELECT CASE WHEN c.relkind = 'r' AND (NOT c.relrowsecurity OR EXISTS (
                                    SELECT FROM pg_catalog.pg_depend x JOIN pg_catalog.pg_extension e ON e.oid = x.refobjid AND e.extname = 'pg_cron'
                                     WHERE x.classid = 'pg_catalog.pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e'))
                                AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
                               THEN 'readable' ELSE 'not-readable' END
                     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'cron' AND c.relname = 'job'), 'none') AS "table"`

/** By policy of pg_cron a role sees its own alone. */
const JOBS = 'SELECT count(*) AS count FROM ONLY cron.job WHERE active AND database = current_database()'

const ofSide =
  (side: PreflightSide) =>
  async (look: Look): Promise<Told> => {
    const asked = look[side]
    const [cron] = await asked.query<Cron>(CRON)
    if (cron === undefined || (cron.table === 'none' && (cron.home === null || cron.home === cron.database))) return NOTHING
    const elsewhere = cron.table === 'none'
    if (elsewhere || cron.table === 'not-readable') {
      const where = elsewhere
        ? `pg_cron keeps its jobs in the database ${printable(cron.home ?? '')}`
        : 'cron.job may not be read here'
      return {
        findings: [],
        notKnown: [{ side, why: `${where}: look there for jobs of this database, as a role that sees all of them.` }],
      }
    }
    const [jobs] = await asked.query<{ count: number }>(JOBS)
    if (jobs === undefined || jobs.count === 0) return NOTHING
    return {
      findings: [
        {
          severity: 'warning',
          side,
          object: 'cron.job',
          message: `pg_cron runs ${counted(jobs.count, 'job')} in this database of the ${side}, of those that this role may see.`,
          why:
            side === 'standby'
              ? 'What they write lies beside the source’s rows, or stops what is applied.'
              : 'They are not sent: once writing has moved they still run here, and not there.',
          command:
            side === 'standby'
              ? 'UPDATE cron.job SET active = false WHERE database = current_database(); -- until writing has moved here'
              : 'SELECT schedule, command FROM cron.job WHERE active; -- to be made on the standby at a switchover, not before',
        },
      ],
    }
  }

export const SCHEDULED_JOBS: Check = { id: 'scheduled-jobs', questions: [ofSide('source'), ofSide('standby')] }
