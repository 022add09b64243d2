/** Transaction ids and multixacts are numbers of 32 bits that are used again: PostgreSQL takes no more writes 3,000,000 before the oldest
 *  one that is still needed would be met again (manual, "Preventing Transaction ID Wraparound Failures"). */

import type { HealthFinding, Severity } from '../../../contracts/health'
import type { Check } from '../check'
import { grouped, typeable } from '../words'

/** 2^31 - 1, less what PostgreSQL keeps for whoever repairs. */
export const LAST_AGE = 2_147_483_647 - 3_000_000
/** PostgreSQL itself drops all considerateness (vacuum_failsafe_age) at 1,600,000,000. */
const CRITICAL_AGE = 1_500_000_000
/** At `freezeMaxAge` a vacuum begins that nothing turns off. Half as much again: it does not come to its end. */
const OVERDUE = 1.5

/** `age`: of the oldest id that is still needed; `freezeMaxAge`: autovacuum_freeze_max_age, or the one for multixacts. */
export function wrapRisk(age: number, freezeMaxAge: number): Severity | null {
  if (age >= CRITICAL_AGE) return 'critical'
  return age >= OVERDUE * freezeMaxAge ? 'warning' : null
}

interface Ages extends Record<string, unknown> {
  readonly name: string
  readonly shown: string
  readonly xids: number
  readonly multixacts: number
  readonly xidsMax: number
  readonly multixactsMax: number
}

export const WRAPAROUND: Check = {
  id: 'wraparound',
  scope: 'instance',
  async find({ query }) {
    const rows = await query<Ages>(
      `SELECT datname::text AS name, quote_ident(datname) AS shown, age(datfrozenxid)::int8 AS xids, mxid_age(datminmxid)::int8 AS multixacts,
              current_setting('autovacuum_freeze_max_age')::int8 AS "xidsMax",
              current_setting('autovacuum_multixact_freeze_max_age')::int8 AS "multixactsMax"
         FROM pg_catalog.pg_database ORDER BY greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC`,
    )
    return {
      findings: rows.flatMap((row) => [
        ...told(row, row.xids, row.xidsMax, IDS.transaction),
        ...told(row, row.multixacts, row.multixactsMax, IDS.multixact),
      ]),
    }
  },
}

const IDS = {
  transaction: { words: 'transaction ids', setting: 'autovacuum_freeze_max_age', age: 'age(relfrozenxid)' },
  multixact: { words: 'multixacts', setting: 'autovacuum_multixact_freeze_max_age', age: 'mxid_age(relminmxid)' },
} as const

function told(
  { name, shown }: Ages,
  age: number,
  freezeMaxAge: number,
  { words, setting, age: expression }: (typeof IDS)[keyof typeof IDS],
): HealthFinding[] {
  const severity = wrapRisk(age, freezeMaxAge)
  if (severity === null) return []
  const left = Math.max(0, LAST_AGE - age)
  return [
    {
      check: 'wraparound',
      severity,
      database: name,
      object: { kind: 'database', schema: null, name },
      message: `Database ${typeable(shown)} still needs ${words} that are ${grouped(age)} old; ${setting} is ${grouped(freezeMaxAge)}, and ${grouped(left)} are left.`,
      why: 'Vacuum does not come to its end or is held back; when none are left, the whole instance takes no more writes.',
      command: `SELECT oid::regclass, ${expression} FROM pg_class WHERE relkind IN ('r', 't', 'm') ORDER BY 2 DESC LIMIT 5; -- there; then VACUUM (FREEZE, VERBOSE) of these`,
    },
  ]
}
